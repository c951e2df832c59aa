/**
 * Sessions as Postfix 3.7 and Dovecot 2.3 log them, line by line: `program[pid]: message`, without time and host. How
 * the servers write was learned from the project's own fixtures.
 */
import type { Dice } from './dice.ts';
import { anyClient, anyGuess, anyStranger, anyUser } from './population.ts';
import type { Client } from './population.ts';

/** @param pid the process that serves the session */
export type Session = (dice: Dice, pid: number) => string[];

const cleanup = 'postfix/cleanup[2101]';
const qmgr = 'postfix/qmgr[1701]';
const named = ({ name, address }: Client): string => `${name}[${address}]`;
const queueId = (dice: Dice): string => `4${dice.letters(14)}`;
const delays = (dice: Dice): string => {
  const [before, connecting] = [dice.below(90) / 100, dice.below(60) / 100];
  return `delay=${(before + connecting).toFixed(2)}, delays=${before}/0.01/${connecting}/0.02`;
};

const tlsLine = (from: string): string =>
  `Anonymous TLS connection established from ${from}: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256`;

/** From `connect` to before the first command. */
const opening = (dice: Dice, smtpd: string, client: Client): string[] => {
  const lines = [`${smtpd}: connect from ${named(client)}`];
  if (client.name === 'unknown' && dice.chance(0.5)) {
    lines.unshift(`${smtpd}: warning: hostname host.${client.helo} does not resolve to address ${client.address}`);
  }
  if (dice.chance(0.7)) lines.push(`${smtpd}: ${tlsLine(named(client))}`);
  return lines;
};

const queued = (dice: Dice, id: string, sender: string, recipients: number): string[] => [
  `${cleanup}: ${id}: message-id=<${dice.letters(22)}@${sender.slice(sender.indexOf('@') + 1) || 'mx.lab.test'}>`,
  `${qmgr}: ${id}: from=<${sender}>, size=${800 + dice.rank(4_000_000)}, nrcpt=${recipients} (queue active)`,
];

/** Mail from outside into a mailbox. */
export const inbound = (dice: Dice, pid: number, client = anyClient(dice), sender = anyStranger(dice)): string[] => {
  const smtpd = `postfix/smtpd[${pid}]`;
  const id = queueId(dice);
  const user = anyUser(dice);
  const stored = dice.letters(22);
  return [
    ...opening(dice, smtpd, client),
    `${smtpd}: ${id}: client=${named(client)}`,
    ...queued(dice, id, sender, 1),
    `${smtpd}: disconnect from ${named(client)} ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7`,
    `dovecot: lmtp(${user})<${pid}><${stored}>: msgid=<${dice.letters(18)}@net.example>: saved mail to INBOX`,
    `postfix/lmtp[2301]: ${id}: to=<${user}>, relay=mx.lab.test[private/dovecot-lmtp], ${delays(dice)}, dsn=2.0.0, status=sent (250 2.0.0 <${user}> ${stored} Saved)`,
    `${qmgr}: ${id}: removed`,
  ];
};

const accepted = (id: string): string => `status=sent (250 2.0.0 Ok: queued as ${id})`;
const deferred =
  'status=deferred (host mx.net.example[198.51.100.25] said: 451 4.7.1 Please try again later (in reply to RCPT TO command))';
const bounced =
  'status=bounced (host mx.net.example[198.51.100.25] said: 550 5.1.1 No such user here (in reply to RCPT TO command))';

/** Mail of an account to the world; `badShare` of its recipients do not exist. */
export const outbound = (
  dice: Dice,
  pid: number,
  account = anyUser(dice),
  badShare = 0.02,
  client = anyClient(dice),
): string[] => {
  const smtpd = `postfix/submission/smtpd[${pid}]`;
  const id = queueId(dice);
  const recipients = 1 + dice.below(3);
  const lines = [
    ...opening(dice, smtpd, client),
    `${smtpd}: ${id}: client=${named(client)}, sasl_method=PLAIN, sasl_username=${account}`,
    ...queued(dice, id, account, recipients),
    `${smtpd}: disconnect from ${named(client)} ehlo=2 starttls=1 auth=1 mail=1 rcpt=${recipients} data=1 quit=1 commands=8`,
  ];
  for (let i = 0; i < recipients; i++) {
    const isBad = dice.chance(badShare);
    const [dsn, status] = isBad
      ? ['5.1.1', bounced]
      : dice.chance(0.04)
        ? ['4.7.1', deferred]
        : ['2.0.0', accepted(queueId(dice))];
    lines.push(
      `postfix/smtp[${2400 + dice.below(30)}]: ${id}: to=<${anyStranger(dice)}>, relay=mx.net.example[198.51.100.25]:25, ${delays(dice)}, dsn=${dsn}, ${status}`,
    );
    if (!isBad) continue;
    const notice = queueId(dice);
    lines.push(
      `postfix/bounce[2501]: ${id}: sender non-delivery notification: ${notice}`,
      ...queued(dice, notice, '', 1),
      `postfix/lmtp[2301]: ${notice}: to=<${account}>, relay=mx.lab.test[private/dovecot-lmtp], ${delays(dice)}, dsn=2.0.0, status=sent (250 2.0.0 <${account}> ${dice.letters(22)} Saved)`,
      `${qmgr}: ${notice}: removed`,
    );
  }
  return [...lines, `${qmgr}: ${id}: removed`];
};

type Refusal = (dice: Dice, client: Client) => readonly [recipient: string, reply: string];

const unknownUser: Refusal = (dice) => {
  const recipient = anyGuess(dice);
  return [recipient, `550 5.1.1 <${recipient}>: Recipient address rejected: User unknown in virtual mailbox table`];
};
const relayDenied: Refusal = (dice) => {
  const recipient = anyStranger(dice);
  return [recipient, `554 5.7.1 <${recipient}>: Relay access denied`];
};
const blocklisted: Refusal = (dice, { address }) => [
  anyUser(dice),
  `554 5.7.1 Service unavailable; Client host [${address}] blocked using bl.example.org; Listed, see https://bl.example.org/query/${address}`,
];
const badHelo: Refusal = (dice, { helo }) => [
  anyUser(dice),
  `504 5.5.2 <${helo}>: Helo command rejected: need fully-qualified hostname`,
];
const noDomain: Refusal = (dice) => [
  anyUser(dice),
  '450 4.1.8 <x@gone.example>: Sender address rejected: Domain not found',
];

const refused = (
  dice: Dice,
  pid: number,
  refusal: Refusal,
  count: number,
  client = anyClient(dice),
  sender = anyStranger(dice),
): string[] => {
  const smtpd = `postfix/smtpd[${pid}]`;
  const lines = opening(dice, smtpd, client);
  for (let i = 0; i < count; i++) {
    const [recipient, reply] = refusal(dice, client);
    lines.push(
      `${smtpd}: NOQUEUE: reject: RCPT from ${named(client)}: ${reply}; from=<${sender}> to=<${recipient}> proto=ESMTP helo=<${client.helo}>`,
    );
  }
  lines.push(`${smtpd}: disconnect from ${named(client)} ehlo=1 mail=1 rcpt=0/${count} quit=1 commands=3/${3 + count}`);
  return lines;
};

export const harvest = (dice: Dice, pid: number, client: Client, count: number, sender?: string): string[] =>
  refused(dice, pid, unknownUser, count, client, sender);
export const relayProbe = (dice: Dice, pid: number, client: Client): string[] =>
  refused(dice, pid, relayDenied, 2, client);

/** Failed logins over SMTP. */
export const saslFailures = (
  dice: Dice,
  pid: number,
  client = anyClient(dice),
  account = anyUser(dice),
  count = 1,
): string[] => {
  const smtpd = `postfix/submission/smtpd[${pid}]`;
  const failure = `${smtpd}: warning: ${named(client)}: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=${account}`;
  return [
    `${smtpd}: connect from ${named(client)}`,
    ...Array.from({ length: count }, () => failure),
    `${smtpd}: lost connection after AUTH from ${named(client)}`,
    `${smtpd}: disconnect from ${named(client)} ehlo=1 auth=0/${count} commands=1/${1 + count}`,
  ];
};

const imapEnd = (dice: Dice): string =>
  `Disconnected: Logged out in=${dice.below(900)} out=${dice.below(90_000)} deleted=0 expunged=0 trashed=0 hdr_count=${dice.below(50)} hdr_bytes=${dice.below(9000)} body_count=0 body_bytes=0`;

/** Reads mail. */
const login: Session = (dice, pid) => {
  const user = anyUser(dice);
  const id = dice.letters(16);
  const [kind, end] = dice.chance(0.85)
    ? ['imap', imapEnd(dice)]
    : ['pop3', 'Disconnected: Logged out top=0/0, retr=2/18211, del=0/57, size=27395'];
  return [
    `dovecot: ${kind}-login: Login: user=<${user}>, method=PLAIN, rip=${anyClient(dice).address}, lip=192.0.2.25, mpid=${pid}, TLS, session=<${id}>`,
    `dovecot: ${kind}(${user})<${pid}><${id}>: ${end}`,
  ];
};

/** Failed logins over IMAP. */
export const loginFailures = (dice: Dice, client = anyClient(dice), account = anyUser(dice)): string[] => {
  const id = dice.letters(16);
  return [
    `dovecot: auth: passwd-file(${account},${client.address},<${id}>): Password mismatch`,
    `dovecot: imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<${account}>, method=PLAIN, rip=${client.address}, lip=192.0.2.25, TLS, session=<${id}>`,
  ];
};

const screened: Session = (dice) => {
  const { address } = anyClient(dice);
  const from = `[${address}]:${1024 + dice.below(60_000)}`;
  const line = (text: string): string => `postfix/postscreen[1901]: ${text}`;
  const connect = line(`CONNECT from ${from} to [192.0.2.25]:25`);
  return dice.pick<() => string[]>([
    () => [connect, line(`PASS OLD ${from}`)],
    () => [connect, line(`PASS NEW ${from}`)],
    () => [connect, line(`PREGREET 14 after 0.05 from ${from}: EHLO ylmf-pc\\r\\n`), line(`DISCONNECT ${from}`)],
    () => [connect, line(`HANGUP after 0.4 from ${from} in tests before SMTP handshake`), line(`DISCONNECT ${from}`)],
    () => [
      connect,
      `postfix/dnsblog[1911]: addr ${address} listed by domain bl.example.org as 127.0.0.4`,
      line(`DNSBL rank 3 for ${from}`),
      line(`DISCONNECT ${from}`),
    ],
  ])();
};

const lost: Session = (dice, pid) => {
  const client = anyClient(dice);
  const smtpd = `postfix/smtpd[${pid}]`;
  return [
    `${smtpd}: connect from ${named(client)}`,
    `${smtpd}: lost connection after ${dice.pick(['CONNECT', 'EHLO', 'STARTTLS', 'UNKNOWN'])} from ${named(client)}`,
    `${smtpd}: disconnect from ${named(client)} commands=0/0`,
  ];
};

const script: Session = (dice) => {
  const id = queueId(dice);
  return [
    `postfix/pickup[1702]: ${id}: uid=33 from=<www-data>`,
    ...queued(dice, id, 'www-data@mx.lab.test', 1),
    `postfix/smtp[2403]: ${id}: to=<${anyStranger(dice)}>, relay=mx.net.example[198.51.100.25]:25, ${delays(dice)}, dsn=2.0.0, ${accepted(queueId(dice))}`,
    `${qmgr}: ${id}: removed`,
  ];
};

const counted: Session = (dice) => [
  `postfix/anvil[1801]: statistics: max connection rate ${1 + dice.below(9)}/60s for (smtp:${anyClient(dice).address}) at Nov 21 00:24:33`,
];

/** What an ordinary day is made of, by weight. */
const everyday: readonly (readonly [weight: number, session: Session])[] = [
  [35, inbound],
  [10, outbound],
  [12, login],
  [10, screened],
  [8, (dice, pid) => refused(dice, pid, blocklisted, 1)],
  [6, lost],
  [4, (dice, pid) => refused(dice, pid, unknownUser, 1)],
  [3, (dice, pid) => saslFailures(dice, pid)],
  [3, (dice) => loginFailures(dice)],
  [2, (dice, pid) => refused(dice, pid, noDomain, 1)],
  [1, (dice, pid) => refused(dice, pid, badHelo, 1)],
  [1, script],
  [1, counted],
];
const weights = everyday.reduce((sum, [weight]) => sum + weight, 0);

export const anySession: Session = (dice, pid) => {
  let left = dice.below(weights);
  for (const [weight, session] of everyday) {
    left -= weight;
    if (left < 0) return session(dice, pid);
  }
  return inbound(dice, pid);
};
