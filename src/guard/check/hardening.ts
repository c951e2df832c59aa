/**
 * What could an outsider do there? Only a 5xx is a no: who was put off (a 421, a greylist) or could not say EHLO has learned
 * nothing. And who comes from an address that the server trusts has not seen what an outsider sees.
 */
import { notProven, proven, saidOf, wrong } from './finding.ts';
import type { Finding } from './finding.ts';
import { namesPerSession, notAsked, tryRecipients, unknownName } from './recipients.ts';
import type { Onlooker, Tried } from './recipients.ts';
import { meaningOf, openSmtp, walk, wordsOf } from './smtp.ts';
import type { Step } from './smtp.ts';
import { lookAtTiming } from './timing.ts';

const domainOf = (recipient: string): string | undefined =>
  recipient.includes('@') ? recipient.slice(recipient.lastIndexOf('@') + 1) : undefined;

const openRelay = async (onlooker: Onlooker): Promise<Finding> => {
  const [tried] = await tryRecipients(onlooker, 'check@example.org', ['postern-check@example.com']);
  const { meaning, words } = tried ?? notAsked([]);
  if (meaning === 'refused') return proven('open-relay', `no relay: ${words}`);
  if (meaning === 'put-off') return notProven('open-relay', `put off, not refused: ${words}`);
  return onlooker.trustedBecause === undefined
    ? wrong('open-relay', `it takes mail from strangers for strangers: ${words}`)
    : notProven('open-relay', `it relays for this address, ${onlooker.trustedBecause}: look from outside (--from)`);
};

const authFinding = (hello: Step | undefined): Finding => {
  const id = 'auth-without-tls';
  if (hello === undefined || meaningOf(hello.answer) !== 'granted')
    return notProven(id, `EHLO was not answered: ${hello === undefined ? '' : wordsOf(hello.answer)}`);
  return hello.answer.lines.some((line) => /^AUTH\b/i.test(line))
    ? wrong(id, 'AUTH is offered before TLS: passwords cross the wire in the clear')
    : proven(id, 'no AUTH before TLS');
};

const vrfyFinding = (asked: Step | undefined): Finding => {
  const code = asked?.answer.code;
  if (code === 250 || code === 251)
    return wrong('vrfy', 'VRFY tells who exists: switch it off (disable_vrfy_command = yes, PrivacyOptions novrfy)');
  return asked === undefined || meaningOf(asked.answer) === 'put-off'
    ? notProven('vrfy', `VRFY was not answered: ${asked === undefined ? '' : wordsOf(asked.answer)}`)
    : proven('vrfy', 'VRFY tells nothing');
};

/** What a session tells before any transaction. */
const greetings = async ({ target, helo }: Onlooker): Promise<readonly Finding[]> => {
  const isTold = domainOf(target.recipient) !== undefined;
  const steps = await walk(target, [`EHLO ${helo}`, ...(isTold ? [`VRFY ${target.recipient}`] : [])]);
  const find = (verb: string): Step | undefined => steps.find(({ said }) => said.startsWith(verb));
  return [authFinding(find('EHLO') ?? steps[0]), ...(isTold ? [vrfyFinding(find('VRFY'))] : [])];
};

const unknownId = 'unknown-recipients';
const accountsId = 'standard-accounts';

/** A catch-all, or a server that takes everything and bounces later: to a stranger they look alike. */
const unknownFinding = ({ meaning, words }: Tried, domain: string): Finding => {
  if (meaning === 'refused') return proven(unknownId, `unknown names are refused: ${words}`);
  if (meaning === 'put-off') return notProven(unknownId, `put off, not refused: ${words}`);
  return wrong(
    unknownId,
    `a name that does not exist at ${domain} is accepted: a catch-all (postern catchall audit), or recipients are not looked up`,
  );
};

/** Names whose passwords guessers try first. The first row exists for a reason at many a site; nobody needs the second. */
const usualNames = ['admin', 'info', 'root', 'office', 'sales', 'support'];
const needlessNames = ['test', 'guest', 'user', 'backup', 'demo', 'temp', 'scanner'];
const guessedNames = [...usualNames, ...needlessNames];

const accountsFinding = (unknown: Tried, tried: readonly Tried[]): Finding => {
  if (unknown.meaning === 'granted')
    return notProven(accountsId, 'every name is accepted: who exists cannot be seen from outside');
  const putOff = tried.findIndex(({ meaning }) => meaning === 'put-off');
  if (putOff >= 0)
    return notProven(accountsId, `${guessedNames[putOff] ?? ''}: put off, not refused: ${tried[putOff]?.words ?? ''}`);
  const there = guessedNames.filter((_, at) => tried[at]?.meaning === 'granted');
  const needless = there.filter((name) => needlessNames.includes(name));
  if (needless.length > 0)
    return wrong(
      accountsId,
      `${needless.join(', ')}: guessed first, and seldom needed: remove, or give a long password`,
    );
  const words =
    there.length === 0 ? 'none of the usual names exists' : `no test accounts; guessed first: ${there.join(', ')}`;
  return proven(accountsId, words);
};

const recipients = async (onlooker: Onlooker): Promise<readonly Finding[]> => {
  const domain = domainOf(onlooker.target.recipient);
  if (domain === undefined)
    return [unknownId, accountsId].map((id) => notProven(id, 'name a recipient with its domain (--recipient)'));
  const names = [onlooker.target.recipient, ...[unknownName(), ...guessedNames].map((name) => `${name}@${domain}`)];
  const tried: Tried[] = [];
  for (let at = 0; at < names.length; at += namesPerSession)
    tried.push(...(await tryRecipients(onlooker, '', names.slice(at, at + namesPerSession))));
  const [known = notAsked([]), unknown = notAsked([]), ...guessed] = tried;
  // Who refuses everybody tells nothing of names.
  if (known.meaning !== 'granted')
    return [unknownId, accountsId].map((id) =>
      notProven(id, `${onlooker.target.recipient} is not accepted either: ${known.words}`),
    );
  const timing = unknown.meaning === 'granted' ? [await lookAtTiming(onlooker, domain)] : [];
  return [unknownFinding(unknown, domain), accountsFinding(unknown, guessed), ...timing];
};

const patienceMs = 2500;
const lineEnds = new Map([
  ['LF.LF', '\n.\n'],
  ['LF.CRLF', '\n.\r\n'],
  ['CR.CR', '\r.\r'],
]);

/**
 * Ends of a content that are none (RFC 5321 §4.1.1.4): who takes one lets a second message be smuggled in behind it. A server
 * that keeps waiting is right, and the connection is cut: no message is made. @param helo whose message is refused at its end
 */
export const seeBareNewlines = async ({ target, helo }: Onlooker, makesMessage: boolean): Promise<Finding> => {
  const id = 'bare-newline';
  if (!makesMessage)
    return notProven(id, 'not tried: nothing would refuse the message at its end, were the server to take one');
  const smtp = await openSmtp(target);
  try {
    for (const line of [`EHLO ${helo}`, 'MAIL FROM:<>', `RCPT TO:<${target.recipient}>`, 'DATA']) {
      const answer = await smtp.say(line);
      if (meaningOf(answer) !== 'granted') return notProven(id, `${line.slice(0, 4)}: ${wordsOf(answer)}`);
    }
    for (const [name, text] of lineEnds) {
      const answer = await smtp.send(`Subject: postern check\r\n\r\nbare newlines${text}`, patienceMs);
      if (answer !== undefined && (meaningOf(answer) === 'granted' || wordsOf(answer).includes('postern check')))
        return wrong(id, `${name} ends a message: a second one can be smuggled in behind it`);
      if (answer !== undefined) return proven(id, `refused: ${wordsOf(answer)}`);
    }
    return proven(id, 'only CRLF.CRLF ends a message');
  } finally {
    smtp.end();
  }
};

const looks = new Map<string, (onlooker: Onlooker) => Promise<Finding | readonly Finding[]>>([
  ['open-relay', openRelay],
  ['auth-without-tls', greetings],
  ['unknown-recipients', recipients],
]);

export const checkHardening = async (onlooker: Onlooker): Promise<readonly Finding[]> => {
  const findings: Finding[] = [];
  for (const [id, look] of looks) {
    try {
      findings.push(...[await look(onlooker)].flat());
    } catch (error) {
      findings.push(notProven(id, saidOf(error)));
    }
  }
  return findings;
};
