import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Fault } from '../fault.ts';
import { readCondition } from './condition.ts';
import { attemptsNextDay } from './cost.ts';
import { conditionFor, culpritOf, isOf } from './culprit.ts';
import { fieldNames, operators } from './fields.ts';
import { createQueueCount, groupings } from './groups.ts';
import { isForged, noteHeader, relayHostOf } from './message.ts';
import type { QueuedMessage } from './message.ts';

const now = 1_000_000_000;
const message = (changes: Partial<QueuedMessage> = {}): QueuedMessage => ({
  server: 'postfix',
  id: '4jWfkR60Vjzbp',
  queue: 'deferred',
  path: '/var/spool/postfix/deferred/C/4jWfkR60Vjzbp',
  arrived: now - 3_600_000,
  sizeBytes: 2000,
  sender: 'nicole@example.org',
  recipients: [{ address: 'x@remote.test', reason: 'host mx[192.0.2.1] said: 451 4.3.2 try later (in reply to RCPT)' }],
  recipientCount: 1,
  deliveredCount: 0,
  client: '203.0.113.7',
  helo: 'pc',
  account: 'nicole@example.org',
  user: undefined,
  uid: undefined,
  script: undefined,
  subject: 'hello',
  ...changes,
});

test('a condition picks what it says', () => {
  const rows = [
    ['account = "nicole@example.org" and age < 2h', true],
    ['account = nicole@example.org and age > 2h', false],
    ['ACCOUNT = "NICOLE@example.org"', undefined],
    ['account = "NICOLE@EXAMPLE.org"', true],
    ['account ~ nicole', true],
    ['account != ""', true],
    ['user = ""', true],
    ['user = root', false],
    ['client = 203.0.113.0/24', true],
    ['client != 203.0.113.0/24', false],
    ['relay = ""', true],
    ['not held and not forged and not bounce', true],
    ['(queue = hold or queue = deferred) and size >= 1k', true],
    ['queue = hold or queue = deferred and size > 1M', false],
    ['domain = remote.test and recipients = 1', true],
    ['reason ~ "451 4.3.2"', true],
    ['uid = 33', false],
    ["subject = 'hello'", true],
    ['age >= 60m and age <= 3600s', true],
  ] as const;
  for (const [text, expected] of rows) {
    if (expected === undefined) assert.throws(() => readCondition(text), Fault, text);
    else assert.equal(readCondition(text)(message(), now), expected, text);
  }
});

test('what is wrong is pointed at, with the nearest name', () => {
  const rows = [
    ['acount = x', 0, 'did you mean account'],
    ['account = ', 10, 'a value is missing'],
    ['account x', 8, 'comes one of'],
    ['age < soon', 6, '30m, 2h or 3d'],
    ['age < 2', 6, '30m, 2h or 3d'],
    ['age ~ 2h', 4, 'takes ='],
    ['size > 1h', 7, '10k'],
    ['client = example.org', 9, 'an address or a network'],
    ['client < 1.2.3.4', 7, 'takes = or !='],
    ['account < x', 8, 'takes =, != or ~'],
    ['(held', 5, 'a ) is missing'],
    ['held held', 5, 'and, or'],
    ['account = "x', 10, 'not closed'],
    ['! held', 0, 'alone means nothing'],
    ['', 0, 'a field is expected'],
    ['"account" = x', 0, 'a field is expected'],
    ['('.repeat(60), 51, 'nested deeper'],
  ] as const;
  for (const [text, at, words] of rows) {
    assert.throws(
      () => readCondition(text),
      (error) =>
        error instanceof Fault &&
        error.code === 'USAGE' &&
        error.message.includes(words) &&
        error.message.split('\n').at(-1) === `  ${' '.repeat(at)}^`,
      text,
    );
  }
  assert.throws(() => readCondition('held and '.repeat(1000)), /longer than/);
});

test('any text is either a condition or a usage fault', () => {
  const piece = fc.oneof(
    fc.constantFrom(...fieldNames, ...operators, '(', ')', 'and', 'or', 'not', '"x y"', '2h', '1.2.3.4', "'"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        assert.equal(typeof readCondition(pieces.join(' '))(message(), now), 'boolean');
      } catch (error) {
        assert.ok(error instanceof Fault, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('what waiting costs: as often as the servers try', () => {
  const rows = [
    // Postfix: 300 s, 600 s, … doubling, then every 4000 s.
    ['postfix', 0, 25],
    ['postfix', 2 * 86_400, 21],
    ['postfix', 5 * 86_400, 0],
    ['exim', 0, 14],
    ['exim', 3 * 86_400, 4],
    ['sendmail', 0, 48],
    ['exchange', 0, 0],
  ] as const;
  assert.deepEqual(
    rows.map(([server, age]) => attemptsNextDay(server, age)),
    rows.map(([, , attempts]) => attempts),
  );
  const count = createQueueCount([], now);
  for (const [minutes, queue] of [
    [5, 'deferred'],
    [30, 'deferred'],
    [120, 'hold'],
  ] as const)
    count.add(message({ arrived: now - minutes * 60_000, queue }));
  const { cameInTenMinutes, cameInHour, attemptsNextDay: attempts } = count.totals();
  assert.deepEqual([cameInTenMinutes, cameInHour], [1, 2]);
  assert.equal(
    attempts,
    attemptsNextDay('postfix', 300) + attemptsNextDay('postfix', 1800),
    'what is held costs nothing',
  );
});

test('a forged sender is one that is not the address of who handed it in', () => {
  assert.ok(!isForged(message()));
  assert.ok(!isForged(message({ sender: 'Nicole+tag@EXAMPLE.org' })));
  assert.ok(!isForged(message({ sender: '' })), 'a bounce');
  assert.ok(isForged(message({ sender: 'ceo@example.org' })));
  assert.ok(isForged(message({ sender: 'nicole@elsewhere.test' })));
  assert.ok(!isForged(message({ account: 'nicole' })), 'a login without domain says nothing of the domain');
  assert.ok(isForged(message({ account: undefined, user: 'www-data' })));
  assert.ok(!isForged(message({ account: undefined, sender: 'x@y.test' })), 'nobody is known');
  assert.equal(relayHostOf(message({ account: undefined })), '203.0.113.7');
  assert.equal(relayHostOf(message({ account: undefined, uid: 33 })), undefined);
});

test('headers that name the script, and no other', () => {
  const headers = { script: undefined, subject: undefined };
  for (const line of ['X-Other: 1', 'X-PHP-Originating-Script: 33:mailer.php ', 'x-php-script: second', 'Subject:hi'])
    noteHeader(headers, line);
  assert.deepEqual(headers, { script: '33:mailer.php', subject: 'hi' });
});

test('groups count a message once for each key, and equal reasons meet', () => {
  const count = createQueueCount(groupings, now);
  count.add(message());
  count.add(message({ id: 'b', account: undefined, user: 'www-data', uid: 33, sender: '', queue: 'hold' }));
  count.add(
    message({
      server: 'sendmail',
      recipients: [
        { address: 'a@remote.test', reason: 'Deferred: 451 4.3.2 try later' },
        { address: 'b@REMOTE.test', reason: undefined },
        { address: 'c@two.test', reason: undefined },
      ],
      recipientCount: 3,
      arrived: now - 10 * 86_400_000,
    }),
  );
  const keys = (by: (typeof groupings)[number]): readonly (readonly [string, number])[] =>
    count.groups(by, 10).groups.map(({ key, messages }) => [key, messages]);
  assert.deepEqual(keys('account'), [['nicole@example.org', 2]]);
  assert.deepEqual(keys('user'), [['www-data (33)', 1]]);
  assert.deepEqual(keys('domain'), [
    ['remote.test', 3],
    ['two.test', 1],
  ]);
  assert.deepEqual(keys('reason'), [['451 4.3.2 try later', 3]]);
  assert.deepEqual(keys('age'), [
    ['1 to 6 h', 2],
    ['over 3 d', 1],
  ]);
  const { messages, recipients, held, nullSender, owned, forged } = count.totals();
  assert.deepEqual([messages, recipients, held, nullSender, owned, forged], [3, 5, 1, 1, 3, 0]);
  assert.equal(count.groups('sender', 1).keys, 2);
  assert.equal(count.groups('sender', 1).groups.length, 1);
});

test('a culprit is an account or a local user, by name or number', () => {
  assert.equal(culpritOf('account', 'Nicole@Example.org'), 'nicole@example.org');
  assert.equal(culpritOf('user', '33'), 'user:33');
  assert.equal(culpritOf('user', 'forward@example.org'), undefined);
  assert.equal(culpritOf('client', '192.0.2.1'), undefined);
  const script = message({ account: undefined, user: 'www-data', uid: 33 });
  for (const [culprit, of] of [
    ['user:33', script],
    ['user:www-data', script],
    ['nicole@example.org', message()],
  ] as const) {
    assert.ok(isOf(culprit, of), culprit);
    assert.ok(readCondition(conditionFor(culprit))(of, now), culprit);
  }
  assert.ok(!isOf('user:33', message()) && !isOf('nicole@example.org', script));
});
