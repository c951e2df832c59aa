/**
 * Lines that attackers shape: every place where a server writes what a client said, filled with pieces of the lines that
 * the grammars look for. Whatever comes of it, no event may name the innocent client or, but for a failed login, the victim.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Event } from '../model/event.ts';
import { utcZone } from '../protocols/syslog/zone.ts';
import { createLogReader } from './read.ts';

const attacker = '192.0.2.1';
const innocent = '198.51.100.66';
const pieces = [
  ...'[]()<>"\\:;,=?@#|'.split(''),
  ' ',
  'a',
  ` from x[${innocent}]`,
  `client=x[${innocent}]`,
  ` H=x [${innocent}]`,
  ` H=x (y) [${innocent}]`,
  `) [${innocent}]`,
  `, relay=x [${innocent}]`,
  `, rip=${innocent}, lip=1.1.1.1`,
  `,${innocent},<s>): Password mismatch`,
  `,${innocent},sasl:plain)<s>: passwd-file: unknown user`,
  `x[${innocent}]: SASL LOGIN authentication failed: no`,
  ` rhost=${innocent}`,
  ': 550 5.1.1 <x@lab.test>: User unknown',
  '; from=<>',
  ' to=<x@lab.test>',
  ' proto=SMTP',
  ' helo=<x>',
  ' sasl_username=<victim>',
  ', sasl_username=victim',
  ' F=<a@b.test>',
  ' A=plain:victim',
  ' rejected RCPT <x@lab.test>: no such user',
  ' rejected after DATA: x',
  ' P=esmtpa',
  ' R=1xUYWo-0007S7-1Q',
  ', proto=ESMTPA',
  ', daemon=MSA',
  ', authid=victim, mech=PLAIN',
  ', reject=550 no',
  '>... User unknown',
  ', size=1, nrcpts=1',
  '>, relay=x[1.1.1.1]:25, dsn=2.0.0, status=sent (ok)',
  ' orig_id=4AAAAAA',
  'user=<victim>',
  'Login: ',
  '): Started proxying to x',
  '(auth failed, 9 attempts)',
  '#012Nov 21 00:10:31 mx postfix/smtpd[1]: connect from x',
];
const text = fc.array(fc.constantFrom(...pieces), { maxLength: 7 }).map((parts) => parts.join(''));
const quoted = text.map((inner) => `"${inner.replaceAll(/["\\]/g, '\\$&')}"@a.test`);

type Said = {
  readonly helo: string;
  readonly sender: string;
  readonly recipient: string;
  readonly name: string;
  readonly words: string;
};
const said: fc.Arbitrary<Said> = fc.record({
  helo: fc.oneof(text, fc.constant('c.test')),
  sender: fc.oneof(quoted, fc.constant('s@a.test')),
  recipient: fc.oneof(quoted, fc.constant('n@lab.test')),
  name: text,
  words: text,
});

const syslog = (tag: string, message: string): string => `Nov 21 00:10:31 mx ${tag}: ${message}`;
const peer = `h.test[${attacker}]`;
const relay = `relay=h.test [${attacker}]`;
const sendmailId = '6AL0AVmF010764';
const eximId = '1xUYWp-0007S8-1Q';

const postfix = ({ helo, sender, recipient, name, words }: Said): readonly string[] => {
  const fields = `from=<${sender}> to=<${recipient}> proto=ESMTP helo=<${helo}>`;
  const [smtpd, cleanup] = ['postfix/smtpd[1]', 'postfix/cleanup[2]'];
  return [
    syslog(smtpd, `NOQUEUE: reject: RCPT from ${peer}: 550 5.1.1 <${recipient}>: User unknown; ${fields}`),
    syslog(
      smtpd,
      `NOQUEUE: reject: EHLO from ${peer}: 501 5.5.2 <${helo}>: Helo command rejected: no; proto=SMTP helo=<${helo}>`,
    ),
    syslog(smtpd, `4BBBBBB: milter-reject: END-OF-MESSAGE from ${peer}: 5.7.1 ${words}; ${fields}`),
    syslog(smtpd, `NOQUEUE: proxy-reject: END-OF-MESSAGE: 554 5.7.1 ${words}; ${fields}`),
    syslog(smtpd, `warning: ${peer}: SASL PLAIN authentication failed: no, sasl_username=${name}`),
    syslog(smtpd, `warning: non-SMTP command from ${peer}: ${words}`),
    syslog(smtpd, `warning: Illegal address syntax from ${peer} in MAIL command: ${words}`),
    syslog(
      smtpd,
      `message repeated 2 times: [ warning: ${peer}: SASL PLAIN authentication failed: no, sasl_username=${name}]`,
    ),
    syslog(smtpd, `certificate verification failed for ${peer}: untrusted issuer ${words}`),
    syslog(
      smtpd,
      `NOQUEUE: reject: VRFY from ${peer}: 550 5.1.1 <${recipient}>: User unknown; to=<${recipient}> proto=SMTP helo=<${helo}>`,
    ),
    syslog('postfix/smtp[5]', `TLSRPT: status=failure, domain=x, receiving_mx=x[1.1.1.1], failure_type=${words}`),
    syslog(smtpd, `warning: bad ETRN ${words}... from ${peer}`),
    syslog(smtpd, `improper command pipelining after DATA from ${peer}: ${words}`),
    syslog(smtpd, `${peer}: replacing command "${words}" with "NOOP"`),
    syslog(cleanup, `4CCCCCC: reject: header Subject: ${words} from ${peer}; ${fields}: 5.7.1 no`),
    syslog(cleanup, `4CCCCCC: reject: body ${words} from local; from=<${sender}> to=<${recipient}>: 5.7.1 no`),
    syslog(cleanup, `4CCCCCC: hold: header X: ${words} from ${peer}; ${fields}`),
    syslog(cleanup, `4CCCCCC: message-id=${words}`),
    syslog(smtpd, `warning: hostname ${words} does not resolve to address ${attacker}`),
    syslog(cleanup, `4CCCCCC: warning: header Subject: ${words} from local; from=<${sender}> to=<${recipient}>`),
    syslog(cleanup, `4CCCCCC: milter-reject: RCPT from ${peer}: 550 ${words}; ${fields}`),
    syslog(cleanup, `4CCCCCC: discard: header Subject: ${words} from ${peer}; ${fields}: x`),
    syslog(cleanup, `4CCCCCC: milter-hold: END-OF-MESSAGE from ${peer}: milter triggers HOLD action; ${fields}`),
    syslog(
      smtpd,
      `NOQUEUE: milter-reject: MAIL from ${peer}: 550 5.7.1 ${words}; from=<${sender}> proto=ESMTP helo=<${helo}>`,
    ),
    syslog(
      smtpd,
      `NOQUEUE: reject: MAIL from ${peer}: 550 5.7.1 <${sender}>: Sender address rejected: ${words}; from=<${sender}> proto=ESMTP helo=<${helo}>`,
    ),
    syslog(
      smtpd,
      `NOQUEUE: reject: DATA from ${peer}: 550 5.5.3 <DATA>: Data command rejected: x; from=<${sender}> proto=ESMTP helo=<${helo}>`,
    ),
    syslog(smtpd, `warning: ${peer}: request longer than 2048: ${words}`),
    syslog(smtpd, `warning: ${peer} sent message header instead of SMTP command: ${words}`),
    syslog(smtpd, `warning: ${peer} sent non-SMTP command instead of: ${words}`),
    syslog(smtpd, `lost connection after ${words} from ${peer}`),
    syslog(smtpd, `too many errors after RCPT (1 bytes) from ${peer}`),
    syslog(smtpd, `warning: ${peer}: SASL ${name.replaceAll(' ', '')} authentication failed: no`),
    syslog('postfix/postscreen[6]', `COMMAND PIPELINING from [${attacker}]:5 after ${words}: ${words}`),
    syslog('postfix/postscreen[6]', `BARE NEWLINE from [${attacker}]:5 after ${words}`),
    syslog(
      'postfix/local[5]',
      `4DDDDDD: to=<${recipient}>, orig_to=<${sender}>, relay=local, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (${words})`,
    ),
    syslog(
      'postfix/pipe[5]',
      `4DDDDDD: to=<${recipient}>, relay=x, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (${words})`,
    ),
    syslog('postfix/qmgr[4]', `4DDDDDD: from=<${sender}>, status=expired, returned to sender`),
    syslog('postfix/bounce[4]', `4DDDDDD: sender non-delivery notification: 4EEEEEE`),
    syslog('postfix/pickup[3]', `4DDDDDD: uid=33 from=<${sender}>`),
    syslog('postfix/qmgr[4]', `4DDDDDD: from=<${sender}>, size=3, nrcpt=1 (queue active)`),
    syslog(
      'postfix/smtp[5]',
      `4DDDDDD: to=<${recipient}>, relay=x[1.1.1.1]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (${words})`,
    ),
    syslog(
      'postfix/postscreen[6]',
      `NOQUEUE: reject: RCPT from [${attacker}]:5: 550 5.7.1 no; from=<${sender}>, to=<${recipient}>, proto=ESMTP, helo=<${helo}>`,
    ),
    syslog('postfix/postscreen[6]', `PREGREET 9 after 0 from [${attacker}]:5: ${words}`),
    syslog('postfix/postscreen[6]', `NON-SMTP COMMAND from [${attacker}]:5 after CONNECT: ${words}`),
  ];
};

const exim = ({ helo, sender, recipient, name, words }: Said): readonly string[] => {
  const host = `H=h.test (${helo}) [${attacker}]:5`;
  return [
    `${host} F=<${sender}> rejected RCPT <${recipient}>: Unrouteable address`,
    `${host} rejected EHLO or HELO ${helo}: no`,
    `${eximId} ${host} F=<${sender}> rejected after DATA: ${words}`,
    `${eximId} ${host} X=TLS CV=no SNI="${words}" F=<s@a.test> temporarily rejected during MIME ACL checks: no`,
    `${eximId} rejected from <${sender}> ${host}: message too big: read=9 max=8`,
    `${eximId} <= ${sender} ${host} P=esmtps X=TLS CV=no SNI="${words}" S=9 id=${words} T="${words}"`,
    `${eximId} ** ${recipient} R=out T=remote_smtp H=x [1.1.1.1]: ${words}`,
    `plain authenticator failed for h.test (${helo}) [${attacker}]: 535 Incorrect authentication data (set_id=${name})`,
    `SMTP syntax error in "${words}" H=h.test [${attacker}] unrecognized command`,
    `rejected EHLO from h.test [${attacker}]: syntactically invalid argument(s): ${words}`,
    `unqualified recipient rejected: <${name}> H=h.test [${attacker}]`,
    `VRFY failed for ${words} H=h.test [${attacker}]`,
    `${eximId} => ${recipient} <${sender}> R=r T=remote_smtp H=x [1.1.1.1] C="${words}"`,
    `${eximId} == ${recipient} R=r T=t defer (-53): ${words}`,
    `${eximId} DKIM: d=${words} s=x [verification failed]`,
    `SMTP protocol error in "AUTH ${words}" H=h.test (${helo}) [${attacker}] LOGIN authentication mechanism not supported`,
    `SMTP protocol synchronization error (next input sent too soon: pipelining was not advertised): rejected "${words}" H=h.test (${helo}) [${attacker}] next input="${words}"`,
    `no MAIL in SMTP connection from h.test (${helo}) [${attacker}] D=0s C=${words}`,
    `SMTP command timeout on connection from h.test (${helo}) [${attacker}]`,
    `unexpected disconnection while reading SMTP command from h.test (${helo}) [${attacker}] D=1s`,
    `${host} sender verify defer for <${sender}>: ${words}`,
    `${host} rejected connection in "connect" ACL: ${words}`,
    `${host} temporarily rejected MAIL <${sender}>: ${words}`,
    `${host} rejected MAIL <${sender}>: Sender verify failed`,
    `${host} rejected EHLO or HELO ${words}: ${words}`,
    `${host} F=<${sender}> A=plain:bob rejected RCPT <${recipient}>: ${words}`,
    `${host} X=TLS1.3 CV=no DN="${words}" F=<${sender}> rejected RCPT <${recipient}>: relay not permitted`,
    `SMTP call from h.test (${helo}) [${attacker}] dropped: too many unrecognized commands (last was "${words}")`,
    `rejected MAIL FROM:<${sender}> H=h.test (${helo}) [${attacker}]: x`,
    `rejected HELO from h.test (${helo}) [${attacker}]: syntactically invalid argument(s): ${words}`,
    `too many recipients: rejected RCPT ${words} H=h.test (${helo}) [${attacker}]`,
    `refused connection from h.test (${helo}) [${attacker}] (host_reject_connection)`,
    `${eximId} <= <> R=1xUYWo-0007S7-1R U=mail P=local S=9 T="${words}"`,
    `${eximId} <= ${sender} H=h.test (${helo}) [${attacker}] I=[1.1.1.1]:25 P=esmtp S=9 M8S=0 RT=1s id=${words}@x T="${words}" from <${sender}> for ${recipient}`,
    `cwd=/x 3 args: /usr/sbin/sendmail -f${words} -t`,
    `rejected "EHLO ${helo}" from h.test (${helo}) [${attacker}]`,
    `TLS error on connection from h.test (${helo}) [${attacker}] (SSL_accept): no`,
    `H=h.test [${attacker}] dropped by 'connect' ACL: ${words}`,
    `H=[${attacker}] Warning: "${words}"`,
    `${host} I=[192.0.2.26]:25 Warning: ${words}`,
    `${host} sender verify fail for <${sender}>: all relevant MX records point to non-existent hosts`,
    `${host} incomplete transaction (QUIT) from <${sender}> for ${recipient}`,
    `${host} F=<${sender}> RCPT <${recipient}>: discarded by RCPT ACL`,
    `H=h.test [${attacker}] F=<${sender}> A=plain:other Warning: ${words}`,
    `H=h.test [${attacker}] sender verify fail for <${sender}>: ${words}`,
    `${eximId} SMTP connection outbound 1 ${eximId} x ${words}`,
    `${eximId} Sender identification U=${words}`,
    `SMTP call from h.test (${helo}) [${attacker}] dropped: too many syntax or protocol errors (last command was "${words}", C=x)`,
  ].map((line) => `2026-11-21 00:00:26 ${line}`);
};

const sendmail = ({ sender, recipient, name, words }: Said): readonly string[] =>
  [
    `<${recipient}>... User unknown`,
    `Milter: to=<${recipient}>, reject=550 5.7.1 ${words}`,
    `Milter: data, reject=550 5.7.1 ${words}`,
    `ruleset=check_rcpt, arg1=<${recipient}>, ${relay}, reject=550 5.7.1 <${recipient}>... Relaying denied`,
    `ruleset=CheckSubject, arg1=${words}, ${relay}, reject=553 5.0.0 Header error`,
    `AUTH failure (PLAIN): no, user=${name}, ${relay}`,
    `AUTH failure (LOGIN): user not found (-20), user=${name}, ${relay}`,
    `ruleset=check_rcpt, arg1=<${recipient}>, ${relay}, reject=550 5.7.1 Rejected: ${attacker} listed at ${words}`,
    `<-- ${words}`,
    `lost input channel from h.test [${attacker}] to MTA after ${words}`,
    `timeout waiting for input from h.test [${attacker}] during server cmd ${words}`,
    `ruleset=check_mail, arg1=<${sender}>, ${relay}, reject=553 5.1.8 <${sender}>... Domain of sender address ${sender} does not exist`,
    `ruleset=check_rcpt, arg1=<${recipient}>, ${relay}, reject=451 4.1.8 Domain of sender address ${sender} does not resolve`,
    `POSSIBLE ATTACK from h.test [${attacker}]: newline in string "${words}"`,
    `collect: premature EOM: ${words}`,
    `Authentication-Warning: mx: ${words}`,
    `Authentication-Warning: mx: h.test [${attacker}] didn't use HELO protocol`,
    `h.test [${attacker}]: VRFY ${words} [rejected]`,
    `h.test [${attacker}]: EXPN ${words}`,
    `h.test [${attacker}]: SMTP violation, input too long: ${words}`,
    `SYSERR(root): collect: I/O error on connection from h.test, from=<${sender}>`,
    `quarantine=${words}`,
    `Milter (x): init failed ${words}`,
    `Milter: helo=${words}, reject=550 ${words}`,
    `Milter: connect: host=h.test, addr=${attacker}, rejecting commands`,
    `Milter: from=<${sender}>, reject=550 ${words}`,
    `STARTTLS=server, error: accept failed=-1, reason=${words}, SSL_error=1, errno=0, retry=-1, ${relay}`,
    `STARTTLS=server, cert-subject=${words}, cert-issuer=${words}, verifymsg=x`,
    `to=<${recipient}>, ctladdr=<${sender}> (8/0), delay=00:00:00, xdelay=00:00:00, mailer=relay, pri=1, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (${words} Message accepted for delivery)`,
    `message size (${words}) exceeds maximum (1)`,
    `discarded`,
    `--- 550 5.1.1 <${recipient}>... User unknown`,
    `AUTH decode64 error [1 for "${words}"], ${relay}`,
    `invalid domain name (${words}) from h.test [${attacker}]`,
    `h.test [${attacker}]: possible SMTP attack: command=${words}, count=3`,
    `from=<${sender}>, size=9, class=0, nrcpts=1, msgid=${words}, proto=ESMTP, daemon=MTA, ${relay}`,
    `to=<${recipient}>, delay=00:00:00, xdelay=00:00:00, mailer=esmtp, pri=1, relay=x [1.1.1.1], dsn=5.1.1, stat=${words}`,
  ].map((message) => syslog('sm-mta[7]', `${sendmailId}: ${message}`));

const dovecot = ({ name, words }: Said): readonly string[] =>
  [
    `imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<${name}>, method=PLAIN, rip=${attacker}, lip=127.0.0.1, session=<abc>`,
    `pop3-login: proxy(${name}): Login failed to 10.0.0.1:143: no: user=<${name}>, method=PLAIN, rip=${attacker}, lip=127.0.0.1, session=<abd>`,
    `auth: passwd-file(${name},${attacker},<abe>): unknown user`,
    `auth: passwd-file(${name},${attacker},<abf>): Password mismatch (given password: ${words})`,
    `auth: plain(?,${attacker},<abg>): Username character disallowed by auth_username_chars: 0x2c (username: ${name})`,
    `auth(${name},${attacker},sasl:plain)<abh>: passwd-file: Password mismatch`,
    `auth-worker(9): conn unix:auth-worker (pid=7,uid=100): auth-worker<3>: sql(${name},${attacker},<abi>): unknown user`,
    `imap-login: ID sent: name=${words}: user=<>, rip=${attacker}, lip=127.0.0.1, session=<abj>`,
    `imap-login: Login failed: SSL required for authentication: user=<${name}>, rip=${attacker}, lip=127.0.0.1, session=<abk>`,
    `auth(default): shadow(${name},${attacker}): unknown user`,
    `auth-worker(default): sql(${name},${attacker}): Password mismatch`,
    `auth: pam(${name},${attacker},<abl>): unknown user - trying the next passdb`,
    `auth: sql(${name},${attacker},<abl>): unknown user`,
    `lmtp(a@lab.test)<12><xyz>: msgid=${words}: saved mail to INBOX`,
    `auth: policy(${name},${attacker},<abm>): Authentication failure due to policy server refusal`,
    `auth: ldap(${name},${attacker},<abn>): invalid credentials`,
    `auth: oauth2(${name},${attacker},<abo>): oauth2 failed: ${words}`,
    `imap-login: Disconnected: Aborted login by logging out (auth failed, 1 attempts in 2 secs): user=<${name}>, method=PLAIN, rip=${attacker}, lip=127.0.0.1, TLS, session=<abp>`,
    `imap-login: Login aborted: Connection closed (tried to use disallowed plaintext auth) (no_auth_attempts): user=<>, rip=${attacker}, lip=127.0.0.1, session=<abq>`,
    `managesieve-login: Disconnected (auth failed, 1 attempts): user=<${name}>, method=${words}, rip=${attacker}, lip=127.0.0.1, session=<abr>`,
    `imap-login: Disconnected: Connection closed: SSL_accept() failed: error:${words}: user=<>, rip=${attacker}, lip=127.0.0.1, TLS handshaking: SSL_accept() failed: x, session=<abs>`,
    `imap(${name})<12><abc>: Disconnected: Logged out in=${words}`,
    `auth(${name},${attacker},sasl:plain)<abt>: ldap: unknown user (given password: ${words}) - trying the next passdb`,
    `auth(${name},${attacker},sasl:xoauth2)<abu>: oauth2: oauth2 failed: ${words}`,
    `auth: pam(${name},${attacker},<abv>): pam_authenticate() failed: Authentication failure (Password mismatch?) (given password: ${words})`,
    `auth: login(?,${attacker},<abw>): Username character disallowed by auth_username_chars: 0x20 (username: ${words})`,
    `auth: passwd-file(${name},${attacker},master,<abx>): unknown user (trying to log in as user: ${words})`,
  ].map((message) => syslog('dovecot', message));

/** What the victim did, so that there is something to steal. */
const before = [
  syslog('postfix/submission/smtpd[1]', '4AAAAAA: client=v[192.0.2.9], sasl_method=PLAIN, sasl_username=victim'),
  '2026-11-21 00:00:26 1xUYWo-0007S7-1Q <= victim@lab.test H=v [192.0.2.9] P=esmtpa A=plain:victim S=9',
  syslog('sm-mta[7]', 'AUTH=server, relay=v [192.0.2.9], authid=victim, mech=PLAIN, bits=0'),
];

const plain: Said = { helo: 'c.test', sender: 's@a.test', recipient: 'n@lab.test', name: 'a', words: 'a' };
const pretended = ' F=<a@b.test> A=plain:victim rejected RCPT <x@lab.test>: no such user';
/** Chance makes them once in tens of thousands of runs. */
const rare: readonly [Said][] = [[{ ...plain, words: pretended }], [{ ...plain, sender: `"${pretended}"@a.test` }]];

test('what a client says frames neither another client nor an account', () => {
  let told = 0;
  fc.assert(
    fc.property(said, (words) => {
      const reader = createLogReader(utcZone, () => Date.UTC(2026, 10, 22));
      const events: Event[] = [];
      for (const line of before) reader.read(line, () => undefined);
      for (const line of [postfix, exim, sendmail, dovecot].flatMap((server) => server(words))) {
        events.length = 0;
        reader.read(line, (event) => events.push(event));
        for (const { kind, outcome, client, account } of events) {
          told++;
          assert.ok(client === attacker || client === undefined, `${client}: ${line}`);
          if (kind === 'auth') assert.equal(outcome, 'failure', line);
          else assert.ok(account !== 'victim', line);
        }
      }
    }),
    { numRuns: 4000, examples: [...rare] },
  );
  assert.ok(told > 20_000);
});

test('nor does it hide who did what', () => {
  let told = 0;
  fc.assert(
    fc.property(said, ({ helo, sender, recipient, name, words }) => {
      const reader = createLogReader(utcZone, () => Date.UTC(2026, 10, 22));
      const only = (line: string): Partial<Event> => {
        const events: Event[] = [];
        reader.read(line, (event) => events.push(event));
        assert.equal(events.length, 1, line);
        told++;
        return events[0] ?? {};
      };
      const harvest = { kind: 'recipient', outcome: 'unknown', client: attacker, sender, recipient };
      const guess = { kind: 'auth', outcome: 'failure', client: attacker };
      const unknown = '550 5.1.1 <n@lab.test>: Recipient address rejected: User unknown';
      const reject = 'NOQUEUE: reject: RCPT from';
      const rows: readonly (readonly [string, Partial<Record<keyof Event, unknown>>])[] = [
        [
          syslog(
            'postfix/smtpd[1]',
            `${reject} ${peer}: ${unknown}; from=<${sender}> to=<${recipient}> proto=ESMTP helo=<${helo}>`,
          ),
          harvest,
        ],
        [
          syslog(
            'postfix/postscreen[6]',
            `${reject} [${attacker}]:5: ${unknown}; from=<${sender}>, to=<${recipient}>, proto=ESMTP, helo=<${helo}>`,
          ),
          harvest,
        ],
        [
          syslog('postfix/smtpd[1]', `warning: ${peer}: SASL LOGIN authentication failed: no, sasl_username=${name}x`),
          guess,
        ],
        [
          syslog(
            'dovecot',
            `imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<${name}>, method=PLAIN, rip=${attacker}, lip=127.0.0.1, session=<abc>`,
          ),
          guess,
        ],
        [syslog('sm-mta[7]', `AUTH failure (PLAIN): no, user=${name}, ${relay}`), guess],
        [
          syslog(
            'postfix/smtp[5]',
            `4DDDDDD: to=<${recipient}>, relay=x[1.1.1.1]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (${words})`,
          ),
          { kind: 'delivery', outcome: 'bounced', recipient, dsn: '5.1.1' },
        ],
        [
          syslog(
            'sm-mta[7]',
            `${sendmailId}: to=<${recipient}>, delay=00:00:00, xdelay=00:00:00, mailer=esmtp, pri=1, relay=x [1.1.1.1], dsn=5.1.1, stat=User unknown`,
          ),
          { kind: 'delivery', outcome: 'bounced', dsn: '5.1.1' },
        ],
      ];
      for (const [line, fields] of rows) {
        const event = only(line);
        for (const [field, value] of Object.entries(fields))
          assert.equal(Reflect.get(event, field), value, `${field}: ${line}`);
      }
    }),
    { numRuns: 1500 },
  );
  assert.ok(told > 5000);
});
