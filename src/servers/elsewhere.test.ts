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
  for (const [line, ...told] of rows) {
    const reader = createLogReader(utcZone, () => Date.UTC(2026, 10, 22));
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
    ['postfix/qmgr[9]: 4ABCDEF: status=deferred (bounce failed)'],
    ['postfix/newaliases[9]: warning: /etc/aliases, line 3: need name:value pair'],
    ['postfix/verify[9]: close database /var/lib/postfix/verify_cache.db: No such file or directory'],
  ]);
});
