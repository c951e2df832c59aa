/**
 * Servers elsewhere: other versions, distributions and settings than those of the lab. The lines are constructed from the
 * servers' format strings (Postfix 3.7 and 3.10, HISTORY for 2.x) and their documented settings; no server wrote them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../model/event.ts';
import { utcZone } from '../protocols/syslog/zone.ts';
import { createLogReader } from './read.ts';

/** What each event must say, in order; `known`: understood, and nothing to tell. */
type Row = readonly [line: string, ...told: readonly Partial<Event>[]];

const check = (head: string, rows: readonly Row[]): void => {
  const reader = createLogReader(utcZone, () => Date.UTC(2026, 10, 22));
  for (const [line, ...told] of rows) {
    const events: Event[] = [];
    const understood = reader.read(head + line, (event) => events.push(event));
    assert.equal(understood, told.length === 0 ? 'known' : 'event', line);
    assert.equal(events.length, told.length, line);
    for (const [at, fields] of told.entries())
      for (const [name, value] of Object.entries(fields))
        assert.equal(Reflect.get(events[at] ?? {}, name), value, `${name}: ${line}`);
  }
};

const client = '192.0.2.1';
const peer = `h.test[${client}]`;
const traditional = 'Nov 21 00:10:31 mx ';
const iso = '2026-11-21T00:10:31.123456+01:00 mx ';
const envelope = 'from=<s@a.test> to=<n@lab.test> proto=ESMTP helo=<c.test>';

test('Postfix: services and instances under other names', () => {
  const reject = `NOQUEUE: reject: RCPT from ${peer}: 550 5.1.1 <n@lab.test>: Recipient address rejected: User unknown in local recipient table; ${envelope}`;
  const harvest = { kind: 'recipient', outcome: 'unknown', client, recipient: 'n@lab.test' } as const;
  for (const tag of ['postfix/smtpd', 'postfix-in/smtpd', 'postfix/10025/smtpd', 'postfix/amavis/smtpd'])
    for (const head of [traditional, iso, '<22>1 2026-11-21T00:10:31Z mx '])
      check(head, [
        [head.startsWith('<') ? `${tag} 9 - - ${reject}` : `${tag}[9]: ${reject}`, { ...harvest, protocol: 'smtp' }],
      ]);
  for (const service of ['submission', 'submissions', 'smtps', 'smtps-haproxy', '465', '587'])
    check(traditional, [[`postfix/${service}/smtpd[9]: ${reject}`, { ...harvest, protocol: 'submission' }]]);
});

test('Postfix: what a client did, in the words of 2.x and of 3.10', () => {
  const refused = (reply: string): string =>
    `postfix/smtpd[9]: NOQUEUE: reject: RCPT from ${peer}: ${reply}; ${envelope}`;
  check(traditional, [
    // Before 2.3 there are no enhanced status codes.
    [
      refused('550 <n@lab.test>: User unknown in local recipient table'),
      { outcome: 'unknown', dsn: undefined, client },
    ],
    [refused('554 <n@lab.test>: Relay access denied'), { outcome: 'relay-denied', recipient: 'n@lab.test' }],
    [refused('450 <s@a.test>: Sender address rejected: Domain not found'), { outcome: 'deferred', reason: 'dns' }],
    // The sender's account, not the recipient's.
    [
      refused('550 5.1.0 <s@lab.test>: Sender address rejected: User unknown in local recipient table'),
      { outcome: 'rejected' },
    ],
    [
      refused(
        '550 5.1.7 <s@a.test>: Sender address rejected: undeliverable address: host a.test[192.0.2.9] said: 550 5.1.1 User unknown',
      ),
      { outcome: 'rejected' },
    ],
    [refused('550 5.1.1 <n@lab.test>: Recipient address rejected: nobody of this name'), { outcome: 'unknown' }],
    [refused('550 5.1.0 <n@lab.test>: Recipient address rejected: not today'), { outcome: 'rejected' }],
    [refused('554 5.7.1 Service unavailable; your address is blacklisted'), { reason: 'blocklist' }],
    [
      refused('503 5.5.0 <DATA>: Data command rejected: Improper use of SMTP command pipelining'),
      { kind: 'command-error', reason: 'pipelining', client },
      { kind: 'recipient' },
    ],
    [
      `postfix/smtpd[9]: NOQUEUE: reject: DATA from ${peer}: bare <LF> received; ${envelope}`,
      { kind: 'command-error', reason: 'bare-newline', client },
      { kind: 'other' },
    ],
    [
      `postfix/smtpd[9]: warning: 4ABCDEF: null BDAT request from ${peer}`,
      { kind: 'command-error', reason: 'syntax', client },
    ],
    [
      `postfix/smtpd[9]: NOQUEUE: too many errors after RCPT from ${peer}`,
      { kind: 'command-error', reason: 'too-many-errors', client },
    ],
    [
      `postfix/smtpd[9]: 4ABCDEF: too many errors after DATA (9 bytes) from ${peer}`,
      { reason: 'too-many-errors', client },
    ],
    [`postfix/smtpd[9]: NOQUEUE: lost connection after AUTH from ${peer}`],
    [`postfix/smtpd[9]: timeout after END-OF-MESSAGE from unknown[unknown]`],
    ['postfix/smtpd[9]: connect from unknown[unknown]', { kind: 'connect', client: undefined }],
    ['postfix/smtpd[9]: connect from unknown[2001:DB8::0:5]', { kind: 'connect', client: '2001:db8::5' }],
    [
      `postfix/smtpd[9]: warning: ${peer}: SASL LOGIN authentication failed: UGFzc3dvcmQ6`,
      { kind: 'auth', outcome: 'failure', reason: 'bad-password', client },
    ],
    [`postfix/smtpd[9]: certificate verification failed for ${peer}: untrusted issuer /CN=x`],
    [`postfix/smtpd[9]: Relaying allowed for all verified client certificates`],
    [`postfix/smtpd[9]: ${peer}: TLS cipher list "aNULL:-aNULL:HIGH"`],
    ['postfix/smtpd[9]: SSL_accept:SSLv3/TLS write server hello'],
    ['postfix/smtpd[9]: SSL3 alert read:fatal:certificate unknown'],
    ['postfix/smtpd[9]: match_list_match: h.test: no match'],
    [`postfix/smtpd[9]: > ${peer}: 220 mx ESMTP`],
  ]);
});

test('Postfix: the way of a message, in the words of 2.x and of 3.10', () => {
  const to = 'to=<n@y.test>, relay=y.test[192.0.2.9]';
  check(traditional, [
    [
      `postfix/smtp[9]: 4ABCDEF: ${to}, delay=1, status=bounced (host y.test[192.0.2.9] said: 550 5.1.1 <n@y.test>: no (in reply to RCPT TO command))`,
      { outcome: 'bounced', dsn: '5.1.1', remote: true },
    ],
    [
      'postfix/local[9]: 4ABCDEF: to=<n@lab.test>, relay=local, delay=0, status=bounced (unknown user: "n")',
      { outcome: 'bounced', dsn: '5.1.1', remote: false },
    ],
    [
      'postfix/local[9]: 4ABCDEF: to=<n@lab.test>, relay=local, delay=0, status=sent (delivered to mailbox)',
      { outcome: 'sent', dsn: '2.0.0' },
    ],
    [
      `postfix/smtp[9]: 4ABCDEF: ${to}, delay=1, status=deferred (connect to 5.9.1.3[5.9.1.3]: timed out)`,
      { outcome: 'deferred', dsn: undefined },
    ],
    [
      'postfix/smtp[9]: TLSRPT: status=failure, domain=y.test, receiving_mx=mx.y.test[192.0.2.9], failure_type=certificate-expired',
    ],
    ['postfix/smtp[9]: y.test[192.0.2.9]:25: depth=0 verify=1 subject=/CN=y.test'],
    ['postfix/smtp[9]: 4ABCDEF: y.test[192.0.2.9]:25: replacing server reply "4" with "5"'],
    ['postfix/smtp[9]: SSL_connect:SSLv3/TLS read server hello'],
    ['postfix/cleanup[9]: 4ABCDEF: removed (canceled)'],
    [
      'postfix/smtp[9]: 4ABCDEF: server y.test[192.0.2.9] offered no compatible authentication mechanisms for this type',
    ],
    ['postfix/smtp[9]: server certificate verification failed for y.test[192.0.2.9]:25: certificate has expired'],
    ['postfix/postsuper[9]: Force-expired: 3 messages'],
    ['postfix/qmgr[9]: 4ABCDEF: status=deferred (bounce failed)'],
    ['postfix/newaliases[9]: warning: /etc/aliases, line 3: need name:value pair'],
    ['postfix/verify[9]: close database /var/lib/postfix/verify_cache.db: No such file or directory'],
  ]);
});

test('Exim: every form of a stamp, with and without pid, port and interface', () => {
  for (const stamp of [
    '2026-11-21 00:10:31',
    '2026-11-21 00:10:31.123',
    '2026-11-21 01:10:31 +0100',
    '2026-11-21 01:10:31.123 +0100',
  ])
    for (const pid of ['', '[4711] '])
      for (const host of [
        `H=(c.test) [${client}]`,
        `H=h.test (c.test) [${client}]:5555 I=[10.0.0.1]:25`,
        `H=[${client}]:5555 I=[10.0.0.1]:587`,
      ])
        check(`${stamp} ${pid}`, [
          [
            `${host} F=<s@a.test> rejected RCPT <n@lab.test>: No Such User Here`,
            {
              time: Date.UTC(2026, 10, 21, 0, 10, 31, stamp.includes('.') ? 123 : 0),
              kind: 'recipient',
              outcome: 'unknown',
              client,
              recipient: 'n@lab.test',
            },
          ],
        ]);
});

test('Exim: what cPanel, DirectAdmin and Plesk make of it', () => {
  const host = `H=h.test (c.test) [${client}]:5555`;
  const id = '1xUYWo-0007S7-1Q';
  check('2026-11-21 00:10:31 ', [
    [
      `dovecot_login authenticator failed for (c.test) [${client}]:5555: 535 Incorrect authentication data (set_id=anna@lab.test)`,
      { kind: 'auth', outcome: 'failure', client, account: 'anna@lab.test', helo: 'c.test' },
    ],
    [
      `dovecot_plain authenticator failed for H=(c.test) [${client}]:5555: 535 Incorrect authentication data (set_id=anna)`,
      { kind: 'auth', client, account: 'anna' },
    ],
    [
      `fixed_login authenticator failed for H=[2001:db8::5]:5555 I=[2001:db8::1]:587: 535 Incorrect authentication data`,
      { kind: 'auth', client: '2001:db8::5', account: undefined },
    ],
    [
      `cram_md5 authenticator failed for ${host} U=ident: 435 Unable to authenticate at present (set_id=anna): socket`,
      { kind: 'auth', reason: 'policy', client },
    ],
    [
      `${id} <= anna@lab.test ${host} P=esmtpsa X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no A=dovecot_login:anna@lab.test S=900 id=x@lab.test T="A=dovecot_login:victim" for n@y.test`,
      { kind: 'auth', outcome: 'success', account: 'anna@lab.test', client },
      { kind: 'message', account: 'anna@lab.test', count: 1, size: 900 },
    ],
    [
      `${host} F=<s@a.test> rejected RCPT <n@lab.test>: "JunkMail rejected - h.test (c.test) [${client}]:5555 is in an RBL: https://rbl.test/"`,
      { kind: 'recipient', outcome: 'rejected', reason: 'blocklist', client },
    ],
    [
      `${host} X=TLS1.2:x:256 CV=no F=<anna@lab.test> A=dovecot_login:anna@lab.test rejected RCPT <n@y.test>: The mail server could not deliver mail to n@y.test.  The account or domain may not exist, they may be blacklisted, or missing the proper dns entries.`,
      { outcome: 'unknown', account: 'anna@lab.test', client },
    ],
    [
      `${host} F=<s@a.test> temporarily rejected RCPT <n@lab.test>: Greylisting in force`,
      { outcome: 'deferred', reason: 'greylist' },
    ],
    [
      `${host} F=<s@a.test> rejected RCPT <n@y.test>: relay not permitted, authentication required`,
      { outcome: 'relay-denied', client },
    ],
    [
      `${id} ** n@y.test R=enforce_mail_permissions : Domain lab.test has exceeded the max emails per hour (5/5 (100%)) allowed.  Message discarded.`,
      { kind: 'delivery', outcome: 'bounced', recipient: 'n@y.test' },
    ],
    [
      `SMTP protocol error in "AUTH LOGIN" ${host} AUTH command used when not advertised`,
      { kind: 'command-error', reason: 'syntax', client },
    ],
    [
      `SMTP syntax error in "GET / HTTP/1.1" ${host} unrecognized command`,
      { kind: 'command-error', reason: 'non-smtp', client },
    ],
    [
      `SMTP call from h.test (c.test) [${client}]:5555 dropped: too many nonmail commands (last was "NOOP")`,
      { kind: 'command-error', reason: 'nonmail', client },
    ],
    [
      `SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from H=[${client}]:5555 input="EHLO x"`,
      { kind: 'early-talk', client },
    ],
    [`SMTP connection from [${client}]:5555 (TCP/IP connection count = 3)`, { kind: 'connect', client }],
    [`SMTP connection from h.test (c.test) [${client}]:5555 closed by DROP in ACL`, { kind: 'disconnect', client }],
    [`${id} SMTP connection outbound 1763683831 ${id} lab.test n@y.test`],
    [
      `${id} SMTP connection identification H=localhost A=127.0.0.1 P=41234 U=anna ID=1004 S=anna B=identify_local_connection`,
    ],
    [`${id} Sender identification U=anna D=lab.test S=anna@lab.test`],
    [`${id} ${host} Warning: "SpamAssassin as anna detected message as NOT spam (0.2)"`],
    [`${host} Warning: "Increment slow_fail_block Ratelimit"`],
    [`${host} sender verify fail for <s@a.test>: Unrouteable address`],
    [`${host} incomplete transaction (sender verify) from <s@a.test>`],
    [`unexpected disconnection while reading SMTP command from (c.test) [${client}]:5555 D=1s`],
    [`no host name found for IP address ${client}`],
    ['cwd=/home/anna/public_html 3 args: /usr/sbin/sendmail -t -i'],
    [`[${client}] SSL verify error: depth=0 error=self signed certificate cert=/CN=x`],
    ['daemon: fork of queue-runner process failed: Resource temporarily unavailable'],
    ['cyrus_plain authenticator (PLAIN): Cyrus SASL permanent failure: user not found'],
  ]);
});
