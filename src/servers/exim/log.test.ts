import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Event } from '../../model/event.ts';
import { createStamps } from '../../protocols/syslog/stamps.ts';
import { utcZone } from '../../protocols/syslog/zone.ts';
import { eximFileGrammar, eximGrammar } from './log.ts';

const readAll = (lines: readonly string[]): { events: Event[]; understood: string[] } => {
  const reader = eximFileGrammar.reader(createStamps(utcZone, () => Date.UTC(2026, 10, 22)));
  const events: Event[] = [];
  const understood = lines.map((line) => reader.read(`2026-11-21 00:00:26 ${line}`, (event) => events.push(event)));
  return { events, understood };
};

test('refusals, failed logins, errors and limits name their client', () => {
  const host = 'H=h.test (c.test) [192.0.2.1]';
  const rows: readonly (readonly [string, Partial<Event>])[] = [
    [
      `${host} F=<s@a.test> rejected RCPT <n@lab.test>: No Such User Here"`,
      { kind: 'recipient', outcome: 'unknown', sender: 's@a.test', recipient: 'n@lab.test', helo: 'c.test' },
    ],
    [`${host}:5555 F=<> rejected RCPT <n@lab.test>: Unrouteable address`, { outcome: 'unknown', sender: '' }],
    ['H=[192.0.2.1] F=<s@a.test> rejected RCPT <n@lab.test>: relay not permitted', { outcome: 'relay-denied' }],
    [
      `${host} F=<s@a.test> rejected RCPT <n@lab.test>: 552 5.2.2 Mailbox is full`,
      { outcome: 'over-quota', dsn: '5.2.2' },
    ],
    [
      `${host} F=<s@a.test> temporarily rejected RCPT <n@lab.test>: greylisted`,
      { outcome: 'deferred', reason: 'greylist' },
    ],
    [
      `${host} F=<s@a.test> A=plain:a@lab.test rejected RCPT <n@lab.test>: Unrouteable address`,
      { account: 'a@lab.test' },
    ],
    [
      'plain authenticator failed for h.test (c.test) [192.0.2.1]: 535 Incorrect authentication data (set_id=a@lab.test)',
      { kind: 'auth', outcome: 'failure', account: 'a@lab.test', reason: 'bad-password' },
    ],
    [
      'login authenticator failed for (c) [192.0.2.1]:5555 I=[10.0.0.1]:587: 501 Authentication cancelled',
      { kind: 'auth', reason: 'aborted' },
    ],
    [
      'SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from H=h.test [192.0.2.1] input="EHLO x\\r\\n"',
      { kind: 'early-talk' },
    ],
    [
      'SMTP call from h.test (c) [192.0.2.1] dropped: too many unrecognized commands (last was "FOO")',
      { kind: 'command-error', reason: 'unknown-command' },
    ],
    [
      'SMTP syntax error in "GET / HTTP/1.1" H=h.test [192.0.2.1] unrecognized command',
      { kind: 'command-error', reason: 'non-smtp' },
    ],
    [
      'Connection from [192.0.2.1] refused: too many connections from that IP address',
      { kind: 'limit', reason: 'concurrency' },
    ],
    [
      'SMTP protocol error in "AUTH LOGIN" H=h.test (c) [192.0.2.1] AUTH command used when not advertised',
      { kind: 'command-error', reason: 'syntax' },
    ],
    [
      'rejected HELO from h.test [192.0.2.1]: syntactically invalid argument(s): (no argument given)',
      { kind: 'command-error', reason: 'syntax' },
    ],
    ['SMTP connection from h.test (c) [192.0.2.1]:5555 closed by QUIT', { kind: 'disconnect' }],
    ['SMTP connection from [192.0.2.1]:5555 (TCP/IP connection count = 1)', { kind: 'connect' }],
    [
      '[538] no MAIL in SMTP connection from h.test (c) [192.0.2.1]:5 D=0.2s C=EHLO,QUIT',
      { kind: 'disconnect', reason: 'no-mail' },
    ],
  ];
  for (const [line, fields] of rows) {
    const { events, understood } = readAll([line]);
    assert.deepEqual([understood[0], events.length], ['event', 1], line);
    for (const [name, value] of Object.entries({ client: '192.0.2.1', ...fields }))
      assert.equal(Reflect.get(events[0] ?? {}, name), value, `${line}: ${name}`);
  }
});

test('deliveries and bounces answer for who sent the message, with old and new message ids', () => {
  for (const [id, bounce] of [
    ['1xUYWo-0007S7-1Q', '1xUYWp-0007S8-1Q'],
    ['1xUYWo-000000007S7-1Qab', '1xUYWp-000000007S8-1Qab'],
  ]) {
    const { events } = readAll([
      `${id} <= a@lab.test H=h.test (c.test) [192.0.2.1]:5 P=esmtpsa X=TLS A=plain:a@lab.test S=281 id=x@y T="H=x [198.51.100.66]" for n@far.test`,
      `${id} ** n@far.test R=out T=remote_smtp H=mx.far.test [192.0.2.9]: SMTP error from remote mail server after RCPT TO:<n@far.test>: 550 5.1.1 no such user`,
      `${bounce} <= <> R=${id} U=Debian-exim P=local S=1700 for a@lab.test`,
      `${id} Completed`,
      `${bounce} => a <a@lab.test> R=virtual T=dovecot_lmtp H=127.0.0.1 [127.0.0.1] C="250 ok"`,
    ]);
    assert.deepEqual(
      events.map(({ kind, outcome, account, client, reason, remote }) => [
        kind,
        outcome,
        account,
        client,
        reason,
        remote,
      ]),
      [
        ['auth', 'success', 'a@lab.test', '192.0.2.1', undefined, undefined],
        ['message', undefined, 'a@lab.test', '192.0.2.1', undefined, undefined],
        ['delivery', 'bounced', 'a@lab.test', '192.0.2.1', undefined, true],
        ['message', undefined, 'a@lab.test', '192.0.2.1', 'bounce', undefined],
        ['delivery', 'sent', 'a@lab.test', '192.0.2.1', 'bounce', false],
      ],
    );
    assert.equal(events[2]?.dsn, '5.1.1');
  }
});

test('what a client wrote never becomes the client', () => {
  const innocent = '198.51.100.66';
  const hostile = [
    `H=(x) [${innocent}] F=<a@b> rejected RCPT <y) [192.0.2.1] F=<s@a.test> rejected RCPT <n@lab.test>: Unrouteable address`,
    `H=h.test (x [${innocent}] F=<) [192.0.2.1] F=<s@a.test> rejected RCPT <n@lab.test>: Unrouteable address`,
    `SMTP syntax error in "FOO" H=x [${innocent}] BAR" H=h.test [192.0.2.1] unrecognized command`,
    `SMTP protocol synchronization error (next input sent too soon: pipelining was not advertised): rejected "MAIL H=x [${innocent}]" H=h [192.0.2.1] next input="x"`,
    `plain authenticator failed for (x) [${innocent}]: 535 y) [192.0.2.1]: 535 Incorrect authentication data (set_id=a)`,
  ];
  for (const line of hostile) {
    const { events } = readAll([line]);
    assert.ok(events.length > 0, line);
    for (const event of events) assert.notEqual(event.client, innocent, line);
  }
});

test('by syslog, with and without its own stamp', () => {
  const reader = eximGrammar.reader();
  const events: Event[] = [];
  for (const stamp of ['', '2026-11-21 00:00:26 '])
    reader.read(
      5,
      'exim',
      '1',
      `${stamp}H=[192.0.2.1] F=<s@a.test> rejected RCPT <n@lab.test>: relay not permitted`,
      (event) => events.push(event),
    );
  assert.deepEqual(
    events.map(({ client, time }) => [client, time]),
    [
      ['192.0.2.1', 5],
      ['192.0.2.1', 5],
    ],
  );
});

test('no bytes make it throw', () => {
  const starts = ['H=', '1xUYWo-0007S7-1Q <= ', '1xUYWo-0007S7-1Q ** ', 'SMTP ', 'plain authenticator failed for ', ''];
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.string({ unit: 'binary' }), (start, noise) => {
      readAll([start + noise, `${start}${noise} [192.0.2.1] F=<${noise}> rejected RCPT <${noise}>: ${noise}`]);
    }),
  );
});

test('where a script stood is told of its message, and of no other', () => {
  const local = (id: string): string => `${id} <= ceo@lab.test U=www-data P=local S=324`;
  const told = (lines: readonly string[]): readonly (string | undefined)[] =>
    readAll(lines)
      .events.filter(({ kind }) => kind === 'message')
      .map(({ text }) => text);
  const [first, second] = ['1xUgqB-00001Q-1p', '1xUgqB-00001U-23'];
  assert.deepEqual(told(['cwd=/var/www/site one 5 args: /usr/sbin/exim4 -f a -t -i', local(first)]), [
    'cwd=/var/www/site one',
  ]);
  // Two at once, and no process is named: nobody knows which is whose.
  assert.deepEqual(
    told(['cwd=/var/www/one 2 args: sendmail -t', 'cwd=/var/www/two 2 args: sendmail -t', local(first), local(second)]),
    [undefined, undefined],
  );
  assert.deepEqual(
    told([
      '[7] cwd=/var/www/one 2 args: sendmail -t',
      '[8] cwd=/var/www/two 2 args: sendmail -t',
      `[7] ${local(first)}`,
      `[8] ${local(second)}`,
    ]),
    ['cwd=/var/www/one', 'cwd=/var/www/two'],
  );
  assert.deepEqual(
    told(['cwd=/ 2 args: exim4 -bd', `${first} <= s@a.test H=h.test [192.0.2.1] P=esmtp S=1`]),
    [undefined],
    'from outside',
  );
});
