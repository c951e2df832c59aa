import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Event } from '../../model/event.ts';
import { createStamps } from '../../protocols/syslog/stamps.ts';
import { utcZone } from '../../protocols/syslog/zone.ts';
import { fieldsOf } from './fields.ts';
import { exchangeGrammar } from './log.ts';

const readAll = (lines: readonly string[]): { events: Event[]; understood: string[] } => {
  const reader = exchangeGrammar.reader(createStamps(utcZone, () => 0));
  const events: Event[] = [];
  return { understood: lines.map((line) => reader.read(line, (event) => events.push(event))), events };
};
const smtp = (mark: string, data: string, context = ''): string =>
  `2026-11-21T00:10:31.123Z,MX\\Default Frontend MX,08DC01,1,10.0.0.1:25,203.0.113.7:5555,${mark},${data.includes(',') ? `"${data.replaceAll('"', '""')}"` : data},${context}`;

test('fields, quoted and not', () => {
  assert.deepEqual(fieldsOf('a,,"b,""c""",d'), ['a', '', 'b,"c"', 'd']);
  assert.deepEqual(fieldsOf(''), ['']);
  assert.deepEqual(fieldsOf('"open'), ['open']);
});

test('a session: each reply belongs to its command, pipelined too', () => {
  const { events, understood } = readAll([
    '#Software: Microsoft Exchange Server',
    '#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context',
    smtp('+', ''),
    smtp('>', '220 MX ready'),
    smtp('<', 'EHLO client.test'),
    smtp('>', '250-MX Hello'),
    smtp('>', '250 SMTPUTF8'),
    smtp('<', 'MAIL FROM:<s@a.test>'),
    smtp('<', 'RCPT TO:<n@lab.test>'),
    smtp('<', 'RCPT TO:<x@far.test>'),
    smtp('<', 'RCPT TO:<alice@lab.test>'),
    smtp('>', '250 2.1.0 Sender OK'),
    smtp('>', '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup'),
    smtp('>', '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain'),
    smtp('>', '250 2.1.5 Recipient OK'),
    smtp('<', 'DATA'),
    smtp('>', '354 Start mail input; end with <CRLF>.<CRLF>'),
    smtp('>', '250 2.6.0 <x@y> [InternalId=1] Queued mail for delivery'),
    smtp('<', 'FOO'),
    smtp('>', '500 5.3.3 Unrecognized command'),
    smtp('-', '', 'Remote'),
  ]);
  assert.ok(!understood.includes('unmatched'), understood.join());
  assert.deepEqual(
    events.map(({ kind, outcome, recipient, sender, count }) => [kind, outcome, recipient, sender, count]),
    [
      ['connect', undefined, undefined, undefined, undefined],
      ['recipient', 'unknown', 'n@lab.test', 's@a.test', undefined],
      ['recipient', 'relay-denied', 'x@far.test', 's@a.test', undefined],
      ['recipient', 'accepted', 'alice@lab.test', 's@a.test', undefined],
      ['message', undefined, undefined, 's@a.test', 1],
      ['command-error', undefined, undefined, undefined, undefined],
      ['disconnect', undefined, undefined, undefined, undefined],
    ],
  );
  assert.ok(events.every(({ client }) => client === '203.0.113.7'));
});

test('logins by SMTP, IMAP and POP3', () => {
  const { events } = readAll([
    smtp('<', 'AUTH LOGIN'),
    smtp('>', '334 <authentication response>'),
    smtp('<', '<Binary Data>'),
    smtp('>', '535 5.7.3 Authentication unsuccessful'),
    '2026-11-21T00:10:31.123Z,0000000000000001,3,10.0.0.1:143,[2001:db8::5]:5555,anna,12,20,50,login,anna *****,"R=""1 NO LOGIN failed."""',
    '2026-11-21T00:10:31.123Z,0000000000000002,3,10.0.0.1:110,203.0.113.9:5555,anna,12,20,50,pass,*****,R=ok',
  ]);
  assert.deepEqual(
    events.map(({ kind, outcome, account, client, protocol }) => [kind, outcome, account, client, protocol]),
    [
      ['auth', 'failure', undefined, '203.0.113.7', 'smtp'],
      ['auth', 'failure', 'anna', '2001:db8::5', 'imap'],
      ['auth', 'success', 'anna', '203.0.113.9', 'pop3'],
    ],
  );
});

test('what is refused, and what a session is closed for', () => {
  const rows: readonly (readonly [readonly string[], Partial<Event>])[] = [
    [
      [
        smtp('<', 'MAIL FROM:<s@a.test>'),
        smtp('>', '550 5.7.60 SMTP; Client does not have permissions to send as this sender'),
      ],
      { kind: 'sender', outcome: 'rejected', dsn: '5.7.60' },
    ],
    [
      [smtp('<', 'MAIL FROM:<s@a.test> SIZE=9'), smtp('>', '552 5.3.4 Message size exceeds fixed maximum')],
      { reason: 'size' },
    ],
    [
      [smtp('<', 'EHLO x'), smtp('>', '501 5.5.4 Invalid domain name')],
      { kind: 'helo', outcome: 'rejected', helo: 'x' },
    ],
    [
      [smtp('<', 'DATA'), smtp('>', '354 go'), smtp('>', '550 5.7.1 Message rejected as spam by Content Filtering.')],
      { kind: 'other', outcome: 'rejected', reason: 'content' },
    ],
    [
      [smtp('<', 'RCPT TO:<n@lab.test>'), smtp('>', '452 4.5.3 Too many recipients')],
      { kind: 'limit', reason: 'recipients' },
    ],
    [
      [smtp('<', 'RCPT TO:<n@lab.test>'), smtp('>', '550 5.7.1 Service unavailable; client blocked using zen.test')],
      { kind: 'recipient', outcome: 'rejected', reason: 'blocklist' },
    ],
    [
      [smtp('>', '421 4.3.2 The maximum number of concurrent connections from a single source has exceeded a limit')],
      { kind: 'limit', reason: 'concurrency' },
    ],
    [
      [smtp('>', '421 4.7.0 Too many errors on this connection, closing transmission channel')],
      { reason: 'too-many-errors' },
    ],
    [
      [smtp('*', '', 'User Name: anna'), smtp('<', 'AUTH LOGIN'), smtp('>', '535 5.7.3 Authentication unsuccessful')],
      { kind: 'auth', outcome: 'failure', account: 'anna', reason: 'bad-password' },
    ],
    [[smtp('<', 'AUTH LOGIN'), smtp('>', '454 4.7.0 Temporary authentication failure')], { reason: 'aborted' }],
  ];
  for (const [lines, fields] of rows) {
    const { events } = readAll(lines);
    assert.equal(events.length, 1, lines.at(-1));
    for (const [name, value] of Object.entries({ client: '203.0.113.7', ...fields }))
      assert.equal(Reflect.get(events[0] ?? {}, name), value, `${lines.at(-1)}: ${name}`);
  }
  const { events } = readAll([
    smtp('>', '421 4.3.2 The maximum number of concurrent server connections has exceeded a limit'),
  ]);
  assert.deepEqual(events, [], 'a full server is no fault of its client');
});

test('no bytes make it throw, and what a client wrote never becomes the client', () => {
  fc.assert(
    fc.property(fc.constantFrom('<', '>', '*', '+'), fc.string({ unit: 'binary' }), (mark, noise) => {
      const { events } = readAll([
        smtp('<', `RCPT TO:<${noise}>`),
        smtp(mark, noise),
        smtp('>', `550 ${noise}`),
        noise,
      ]);
      for (const { client } of events) assert.equal(client, '203.0.113.7');
    }),
  );
  const { events } = readAll([
    smtp('<', 'RCPT TO:<a,198.51.100.66:25,>'),
    smtp('>', '550 5.1.1 User unknown, 198.51.100.66:25'),
  ]);
  assert.deepEqual(
    events.map(({ client }) => client),
    ['203.0.113.7'],
  );
});
