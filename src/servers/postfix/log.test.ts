import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Event } from '../../model/event.ts';
import { postfixGrammar } from './log.ts';

const time = Date.UTC(2026, 10, 21);

/** Lines as `PROGRAM[PID]: MESSAGE`, without stamp and host. */
const readAll = (lines: readonly string[]): { events: Event[]; understood: string[] } => {
  const reader = postfixGrammar.reader();
  const events: Event[] = [];
  const understood = lines.map((line) => {
    const open = line.indexOf('[');
    const close = line.indexOf(']: ', open);
    return reader.read(time, line.slice(0, open), line.slice(open + 1, close), line.slice(close + 3), (event) =>
      events.push(event),
    );
  });
  return { events, understood };
};
const only = (line: string): Partial<Event> => {
  const { events, understood } = readAll([line]);
  assert.deepEqual([understood[0], events.length], ['event', 1], line);
  return events[0] ?? {};
};
const holds = (event: Partial<Event>, fields: Partial<Event>): void => {
  for (const [name, value] of Object.entries(fields)) assert.equal(Reflect.get(event, name), value, name);
};

const reject = (text: string): string =>
  `postfix/smtpd[1]: NOQUEUE: reject: RCPT from h.test[192.0.2.1]: ${text}; from=<s@a.test> to=<n@lab.test> proto=ESMTP helo=<c.test>`;

test('VRFY of a name that does not exist is a guess; before a proxy filter a login has no queue id', () => {
  holds(
    only(
      'postfix/smtpd[1]: NOQUEUE: reject: VRFY from h.test[192.0.2.1]: 550 5.1.1 <bob>: User unknown; to=<bob> proto=SMTP helo=<c>',
    ),
    { kind: 'recipient', outcome: 'unknown', client: '192.0.2.1', recipient: 'bob' },
  );
  holds(only('postfix/smtpd[1]: NOQUEUE: client=h.test[192.0.2.1], sasl_method=PLAIN, sasl_username=bob'), {
    kind: 'auth',
    outcome: 'success',
    account: 'bob',
  });
});

test('what a refusal means', () => {
  const rows: readonly (readonly [string, Partial<Event>])[] = [
    [
      '550 5.1.1 <n@lab.test>: Recipient address rejected: User unknown in virtual mailbox table',
      { outcome: 'unknown', dsn: '5.1.1' },
    ],
    ['554 5.7.1 <n@lab.test>: Relay access denied', { outcome: 'relay-denied' }],
    ['552 5.2.2 <n@lab.test>: Recipient address rejected: Mailbox is full', { outcome: 'over-quota' }],
    ['450 4.2.0 <n@lab.test>: Recipient address rejected: Greylisted', { outcome: 'deferred', reason: 'greylist' }],
    [
      '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.test',
      { outcome: 'rejected', reason: 'blocklist' },
    ],
    ['450 4.1.1 <n@lab.test>: Recipient address rejected: undeliverable address', { outcome: 'deferred' }],
    ['450 4.7.1 <n@lab.test>: Recipient address rejected: Too many errors', { outcome: 'deferred' }],
    ['504 5.5.2 <c>: Helo command rejected: need fully-qualified hostname', { outcome: 'rejected', reason: 'helo' }],
  ];
  for (const [text, fields] of rows) {
    const event = only(reject(text));
    holds(event, {
      kind: 'recipient',
      client: '192.0.2.1',
      sender: 's@a.test',
      recipient: 'n@lab.test',
      helo: 'c.test',
      ...fields,
    });
  }
});

test('sessions, logins, limits and errors name their client', () => {
  const rows: readonly (readonly [string, Partial<Event>])[] = [
    ['postfix/smtpd[1]: connect from unknown[2001:db8::5]', { kind: 'connect', client: '2001:db8::5' }],
    [
      'postfix/smtpd[1]: disconnect from h.test[192.0.2.1] ehlo=1 quit=1 commands=2',
      { kind: 'disconnect', client: '192.0.2.1' },
    ],
    [
      'postfix/submission/smtpd[1]: warning: h.test[192.0.2.1]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=a@lab.test',
      { kind: 'auth', outcome: 'failure', account: 'a@lab.test', reason: 'bad-password', protocol: 'submission' },
    ],
    [
      'postfix/smtpd[1]: warning: h.test[192.0.2.1]: SASL LOGIN authentication failed: Invalid base64 data in continued response, sasl_username=(unavailable)',
      { kind: 'auth', account: undefined, reason: 'malformed' },
    ],
    [
      'postfix/smtpd[1]: warning: h.test[192.0.2.1]: SASL LOGIN authentication aborted',
      { kind: 'auth', reason: 'aborted' },
    ],
    [
      'postfix/smtpd[1]: warning: Connection rate limit exceeded: 13 from h.test[192.0.2.1] for service smtp',
      { kind: 'limit', reason: 'connection-rate' },
    ],
    [
      'postfix/smtpd[1]: warning: non-SMTP command from h.test[192.0.2.1]: GET / HTTP/1.1',
      { kind: 'command-error', reason: 'non-smtp' },
    ],
    [
      'postfix/smtpd[1]: improper command pipelining after CONNECT from h.test[192.0.2.1]: EHLO x',
      { kind: 'early-talk' },
    ],
    [
      'postfix/smtpd[1]: improper command pipelining after MAIL from h.test[192.0.2.1]: RCPT',
      { kind: 'command-error', reason: 'pipelining' },
    ],
    [
      'postfix/smtpd[1]: too many errors after RCPT from h.test[192.0.2.1]',
      { kind: 'command-error', reason: 'too-many-errors' },
    ],
    ['postfix/postscreen[1]: PREGREET 17 after 0 from [192.0.2.1]:5555: EHLO early.test\\r\\n', { kind: 'early-talk' }],
    [
      'postfix/postscreen[1]: NOQUEUE: reject: CONNECT from [192.0.2.1]:5555: too many connections',
      { kind: 'limit', reason: 'concurrency' },
    ],
    [
      'postfix/postscreen[1]: NOQUEUE: reject: RCPT from [192.0.2.1]:5555: 550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.test; from=<s@a.test>, to=<n@lab.test>, proto=ESMTP, helo=<c>',
      { kind: 'recipient', sender: 's@a.test', recipient: 'n@lab.test', reason: 'blocklist' },
    ],
    ['mailout/smtps/smtpd[1]: connect from h.test[192.0.2.1]', { kind: 'connect', protocol: 'submission' }],
  ];
  for (const [line, fields] of rows) holds(only(line), { client: fields.client ?? '192.0.2.1', ...fields });
});

test('a message is told once, its deliveries and bounces answer for who sent it', () => {
  const { events, understood } = readAll([
    'postfix/submission/smtpd[1]: 4AB: client=h.test[192.0.2.1], sasl_method=PLAIN, sasl_username=a@lab.test',
    'postfix/submission/smtpd[1]: 4ABCDEF: client=h.test[192.0.2.1], sasl_method=PLAIN, sasl_username=a@lab.test',
    'postfix/cleanup[2]: 4ABCDEF: message-id=<x@y>',
    'postfix/qmgr[3]: 4ABCDEF: from=<a@lab.test>, size=300, nrcpt=2 (queue active)',
    'postfix/qmgr[3]: 4ABCDEF: from=<a@lab.test>, size=300, nrcpt=2 (queue active)',
    'postfix/smtp[4]: 4ABCDEF: to=<n@far.test>, relay=mx.far.test[192.0.2.9]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (host said: 550 5.1.1 no)',
    'postfix/bounce[5]: 4ABCDEF: sender non-delivery notification: 5BCDEFA',
    'postfix/qmgr[3]: 5BCDEFA: from=<>, size=900, nrcpt=1 (queue active)',
    'postfix/qmgr[3]: 4ABCDEF: removed',
    'postfix/local[4]: 5BCDEFA: to=<x@lab.test>, orig_to=<a@lab.test>, relay=local, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (delivered)',
  ]);
  assert.ok(!understood.slice(1).includes('unmatched'), understood.join());
  const told = events.map(({ kind, outcome, account, client, reason, remote }) => ({
    kind,
    outcome,
    account,
    client,
    reason,
    remote,
  }));
  const owner = { account: 'a@lab.test', client: '192.0.2.1' };
  assert.deepEqual(told.slice(-6), [
    { kind: 'auth', outcome: 'success', ...owner, reason: undefined, remote: undefined },
    { kind: 'message', outcome: undefined, ...owner, reason: undefined, remote: undefined },
    { kind: 'delivery', outcome: 'bounced', ...owner, reason: undefined, remote: true },
    { kind: 'queue', outcome: undefined, ...owner, reason: 'bounce', remote: undefined },
    { kind: 'message', outcome: undefined, ...owner, reason: 'bounce', remote: undefined },
    { kind: 'delivery', outcome: 'sent', ...owner, reason: 'bounce', remote: false },
  ]);
  assert.equal(events.at(-1)?.origin, 'a@lab.test');
});

test('a script is its uid, two instances are two memories', () => {
  const { events } = readAll([
    'postfix/pickup[1]: 4ABCDEF: uid=33 from=<www-data>',
    'postfix-out/smtpd[1]: 4ABCDEF: client=h.test[192.0.2.1]',
    'postfix/qmgr[2]: 4ABCDEF: from=<www-data@lab.test>, size=3, nrcpt=1 (queue active)',
  ]);
  assert.deepEqual(
    events.map(({ kind, user, client }) => [kind, user, client]),
    [['message', '33', undefined]],
  );
});

test('a recipient that has no room left in its field stands in the reply, and nobody else there is one', () => {
  const cut = `; from=<${'a'.repeat(1800)}`;
  const start = 'postfix/smtpd[1]: NOQUEUE: reject: RCPT from h.test[192.0.2.1]: ';
  for (const [reply, recipient] of [
    ['550 5.1.1 <n@lab.test>: Recipient address rejected: User unknown', 'n@lab.test'],
    ['554 5.7.1 <"a>: b"@far.test>: Relay access denied', '"a>: b"@far.test'],
    ['550 5.7.1 <s@a.test>: Sender address rejected: no', undefined],
    ['550 5.7.1 <c.test>: Helo command rejected: no', undefined],
    ['554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.test', undefined],
  ] as const)
    for (const end of [cut, '']) assert.equal(only(`${start}${reply}${end}`).recipient, recipient, reply);
});

test('who sent it first is the filter’s word, and not what MAIL gave as AUTH=', () => {
  const clientOf = (behind: string): string | undefined =>
    readAll([
      `postfix/smtpd[1]: 4ABCDEF: client=h.test[192.0.2.1]${behind}`,
      'postfix/qmgr[2]: 4ABCDEF: from=<s@a.test>, size=3, nrcpt=1 (queue active)',
    ]).events.find(({ kind }) => kind === 'message')?.client;
  assert.equal(clientOf(', orig_queue_id=4AAAAAA, orig_client=x[198.51.100.66]'), '198.51.100.66');
  const login = ', sasl_method=PLAIN, sasl_username=bob, sasl_sender=<x, orig_client=x[198.51.100.66]>';
  assert.equal(clientOf(login), '192.0.2.1');
  assert.equal(clientOf(login.replace(', sasl_method=PLAIN, sasl_username=bob', '')), '192.0.2.1');
});

test('what a client wrote never becomes the client', () => {
  const innocent = '198.51.100.66';
  const hostile = [
    reject('550 5.1.1 <n@lab.test>: Recipient address rejected: User unknown').replace(
      'helo=<c.test>',
      `helo=<x[${innocent}]: 550 5.1.1; from=<> to=<a@b> proto=SMTP>`,
    ),
    reject('550 5.1.1 <n@lab.test>: Recipient address rejected: User unknown').replace(
      'from=<s@a.test>',
      `from=<"] from x[${innocent}]"@a.test>`,
    ),
    `postfix/smtpd[1]: warning: h.test[192.0.2.1]: SASL PLAIN authentication failed: x, sasl_username=a, from x[${innocent}]: SASL`,
    `postfix/smtpd[1]: warning: non-SMTP command from h.test[192.0.2.1]: connect from x[${innocent}]`,
    `postfix/postscreen[1]: PREGREET 30 after 0 from [192.0.2.1]:5555: EHLO from [${innocent}]:25: \\r\\n`,
  ];
  for (const line of hostile) assert.equal(only(line).client, '192.0.2.1', line);
  assert.equal(only(hostile[0] ?? '').sender, 's@a.test', 'a HELO cannot make it a null sender');
  const always = reject('550 5.1.1 <n@lab.test>: User unknown').replace(
    '<s@a.test>',
    '<"> to=<v@lab.test> proto=x"@a.test>',
  );
  assert.equal(only(always).recipient, 'n@lab.test', 'a sender cannot make all recipients one');
});

test('no bytes make it throw', () => {
  const starts = [
    'postfix/smtpd[1]: ',
    'postfix/qmgr[1]: 4ABCDEF: ',
    'postfix/smtp[1]: 4ABCDEF: to=<',
    'postfix/postscreen[1]: ',
    'postfix/cleanup[1]: 4ABCDEF: reject: ',
    'postfix/bounce[1]: 4ABCDEF: ',
  ];
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.string({ unit: 'binary' }), (start, noise) => {
      readAll([start + noise, start + reject(noise)]);
    }),
  );
});

test('mail that comes back from where it was sent on is told as a loop; so are aliases that name each other', () => {
  const pass = (id: string): readonly string[] => [
    `postfix/smtpd[1]: ${id}: client=h.test[192.0.2.26]`,
    `postfix/cleanup[2]: ${id}: message-id=<m@x>`,
    `postfix/qmgr[3]: ${id}: from=<s@remote.test>, size=3, nrcpt=1 (queue active)`,
    `postfix/smtp[4]: ${id}: to=<back@ring.test>, orig_to=<ring@lab.test>, relay=mx.ring.test[192.0.2.26]:25, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 ok)`,
    `postfix/qmgr[3]: ${id}: removed`,
  ];
  const { events } = readAll([
    ...['4ABCDE1', '4ABCDE2', '4ABCDE3', '4ABCDE4', '4ABCDE5'].flatMap(pass),
    'postfix/cleanup[2]: warning: 4jWlf33g7nzhg: unreasonable virtual_alias_maps map nesting for a@lab.test -- message not accepted, try again later',
  ]);
  assert.deepEqual(
    events
      .filter(({ kind }) => kind === 'message')
      .map(({ reason, origin, recipient }) => [reason, reason === undefined ? undefined : origin, recipient]),
    [
      [undefined, undefined, undefined],
      [undefined, undefined, undefined],
      [undefined, undefined, undefined],
      ['loop', 'ring@lab.test', 'back@ring.test'],
      ['loop', 'ring@lab.test', 'back@ring.test'],
      ['loop', 'a@lab.test', 'a@lab.test'],
    ],
  );
});
