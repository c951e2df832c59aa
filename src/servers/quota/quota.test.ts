import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { behindAliases } from './behind-aliases.ts';
import { graceBytesOf, readDoveadmQuota, readDoveadmUsers, saysNoPlugin } from './doveadm.ts';
import { readListing } from './listing.ts';
import { maildirsizeBytesMax, maildirsizeHead, maildirsizeLine, readMaildirsize } from './maildirsize.ts';
import { askedSizes, nextSize, saysFull } from './quota-status.ts';
import { addressOf, matchPart, quotaSourceOf } from './source.ts';

const bytes = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCodePoint(code)) });
const change = fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: -1000, max: 1000 }));

test('maildirsize adds up what was written into it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e15 }), fc.array(change, { maxLength: 50 }), (bytesMax, changes) => {
      const text = maildirsizeHead(bytesMax) + changes.map(([size, count]) => maildirsizeLine(size, count)).join('');
      const sum = (at: 0 | 1): number =>
        Math.max(
          0,
          changes.reduce((all, one) => all + one[at], 0),
        );
      assert.deepEqual(readMaildirsize(text), {
        bytesMax,
        messagesMax: undefined,
        usedBytes: sum(0),
        messages: sum(1),
      });
    }),
  );
});

test('a maildirsize that somebody appends to reads as it was before the unfinished line', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 20 }), fc.nat(400), (changes, cut) => {
      const whole = `1000S,10C\n${changes.map(([size, count]) => maildirsizeLine(size, count)).join('')}`;
      const part = whole.slice(0, cut);
      assert.deepEqual(readMaildirsize(part), readMaildirsize(part.slice(0, part.lastIndexOf('\n') + 1)));
      assert.notEqual(readMaildirsize(whole), undefined);
    }),
  );
});

test('rows of maildirsize', () => {
  const rows: readonly (readonly [string, readonly (number | undefined)[] | undefined])[] = [
    ['', undefined],
    ['100S', undefined],
    ['100S\n', [100, undefined, 0, 0]],
    ['100S,5C\n10 1\n', [100, 5, 10, 1]],
    ['5C\n10 1\n', [undefined, 5, 10, 1]],
    ['0S\n10 1\n', [undefined, undefined, 10, 1]],
    ['\n10 1\n', [undefined, undefined, 10, 1]],
    ['100S\n          10            1\n        -4           -1\n', [100, undefined, 6, 0]],
    ['100S\n-5 -1\n', [100, undefined, 0, 0]],
    ['100X\n10 1\n', undefined],
    ['100S\n10\n', undefined],
    ['100S\n10 1 1\n', undefined],
    [`100S\n${'9'.repeat(17)} 1\n`, undefined],
    [`${'9'.repeat(16)}S\n`, undefined],
    [`100S\n${'1 1\n'.repeat(maildirsizeBytesMax / 4)}`, undefined],
  ];
  for (const [text, wanted] of rows) {
    const read = readMaildirsize(text);
    const seen = read && [read.bytesMax, read.messagesMax, read.usedBytes, read.messages];
    assert.deepEqual(seen, wanted, JSON.stringify(text.slice(0, 40)));
  }
  fc.assert(fc.property(bytes, (text) => void readMaildirsize(text)));
});

const head = 'Username\tQuota name\tType\tValue\tLimit\t%\n';

test('doveadm: kibibytes, no limit, several roots, and what Dovecot cannot say', () => {
  const read = readDoveadmQuota(
    `${head}A@b.test\tUser quota\tSTORAGE\t1\t100\t1\nA@b.test\tUser quota\tMESSAGE\t3\t-\t0\n` +
      'c@b.test\tUser\tSTORAGE\t5\t-\t0\nc@b.test\tDomain\tSTORAGE\t90\t100\t90\n' +
      'd@b.test\tUser\tSTORAGE\terror\terror\terror\nshort\trow\n',
  );
  assert.deepEqual(read, {
    mailboxes: [
      { address: 'a@b.test', usedBytes: 1024, bytesMax: 102_400, messages: 3, messagesMax: undefined },
      { address: 'c@b.test', usedBytes: 92_160, bytesMax: 102_400, messages: undefined, messagesMax: undefined },
    ],
    unknown: ['d@b.test'],
  });
  assert.ok(saysNoPlugin("Fatal: Unknown command 'quota', but plugin quota exists.\n"));
  assert.ok(!saysNoPlugin("Error: User doesn't exist\n"));
  assert.equal(readDoveadmQuota("User doesn't exist\n"), undefined);
  assert.deepEqual(readDoveadmUsers('a@b.test\nC\n\n'), ['a@b.test', 'c']);
  fc.assert(fc.property(bytes, (text) => void readDoveadmQuota(head + text)));
});

test("a command's rows, and the lines that are none", () => {
  const read = readListing('# mine\nA@b.test 10 100\nb@b.test 10 - 5 -\nc\nd 1 x\ne 1 2 3\nf@b.test - 0\n');
  assert.deepEqual(
    read.mailboxes.map((one) => [one.address, one.usedBytes, one.bytesMax, one.messages, one.messagesMax]),
    [
      ['a@b.test', 10, 100, undefined, undefined],
      ['b@b.test', 10, undefined, 5, undefined],
      ['f@b.test', undefined, undefined, undefined, undefined],
    ],
  );
  assert.deepEqual(read.garbage, [4, 5, 6]);
  fc.assert(fc.property(bytes, (text) => void readListing(text)));
});

test('sources as they are written', () => {
  assert.deepEqual(quotaSourceOf('dovecot'), { kind: 'dovecot' });
  assert.deepEqual(quotaSourceOf('quota-status:127.0.0.1:12340'), {
    kind: 'quota-status',
    at: { host: '127.0.0.1', port: 12_340 },
  });
  assert.deepEqual(quotaSourceOf('quota-status:[::1]:12340'), {
    kind: 'quota-status',
    at: { host: '::1', port: 12_340 },
  });
  assert.deepEqual(quotaSourceOf('quota-status:unix:/run/q'), { kind: 'quota-status', at: { path: '/run/q' } });
  assert.deepEqual(quotaSourceOf('maildir:/v/%d/%n'), { kind: 'maildir', path: '/v/%d/%n' });
  assert.deepEqual(quotaSourceOf('mbox:50M:/m/%n'), { kind: 'mbox', path: '/m/%n', bytesMax: 52_428_800 });
  assert.deepEqual(quotaSourceOf('command:/bin/q'), { kind: 'command', path: '/bin/q' });
  const wrong = ['', 'x', 'maildir:v/%n', 'maildir:/v', 'maildir:/../%n', 'mbox:/m/%n', 'mbox:0:/m/%n', 'command:q'];
  for (const text of [...wrong, 'quota-status:h', 'quota-status:h:0', 'quota-status:h:99999', 7])
    assert.equal(quotaSourceOf(text), undefined, String(text));
});

test('a folder name against its part of the path', () => {
  const rows: readonly (readonly [string, string, string | undefined])[] = [
    ['%n', 'Alice', 'alice'],
    ['%u', 'alice@b.test', 'alice@b.test'],
    ['%u', 'alice', 'alice'],
    ['%n@%d', 'a@b@c.test', 'a@b@c.test'],
    ['u-%n.box', 'u-a.box', 'a'],
    ['u-%n.box', 'x-a.box', undefined],
    ['u-%n.box', 'u-.box', undefined],
    ['%n%d', 'ab', undefined],
    ['%x', 'a', undefined],
  ];
  for (const [part, file, wanted] of rows) {
    const found = matchPart(part, file);
    assert.equal(found && addressOf(found), wanted, `${part} ${file}`);
  }
  assert.deepEqual(matchPart('Maildir', 'Maildir'), {});
  assert.deepEqual(matchPart('*', 'anna'), {});
  fc.assert(fc.property(bytes, bytes, (part, file) => void matchPart(part, file)));
});

test('what quota-status says, and how little must be asked', () => {
  const rows: readonly (readonly [string, boolean])[] = [
    ['552 5.2.2 Mailbox is full', true],
    ['452 4.2.2 later', true],
    ['552 5.2.3 Message is too large', true],
    ['DUNNO', false],
    ['OK', false],
    ['REJECT Unknown user', false],
    ['550 5.1.1 Unknown user', false],
    ['552 5.2.22 x', false],
    ['', false],
  ];
  for (const [action, isFull] of rows) assert.equal(saysFull(action), isFull, action);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60_000_000 }), (room) => {
      let [fits, over, asked] = [-1, askedSizes.length, 0];
      for (let at = nextSize(fits, over); at !== undefined; at = nextSize(fits, over), asked++)
        if ((askedSizes[at] ?? 0) > room) over = at;
        else fits = at;
      assert.ok(asked >= 1 && asked <= 4);
      assert.ok(fits < 0 || (askedSizes[fits] ?? 0) <= room);
      assert.ok(over === askedSizes.length || (askedSizes[over] ?? 0) > room);
      assert.equal(over - fits, 1);
    }),
  );
});

test('an alias is full when all behind it are', () => {
  const full = new Map([
    ['a@x', 0],
    ['b@x', 5],
  ]);
  const aliases = new Map([
    ['info@x', ['A@x']],
    ['both@x', ['a@x', '<b@x>']],
    ['some@x', ['a@x', 'roomy@x']],
    ['far@x', ['info@x']],
    ['a@x', ['\\a@x', 'b@x']],
    ['b@x', ['copy@elsewhere']],
    ['loop@x', ['pool@x']],
    ['pool@x', ['loop@x']],
    ['none@x', []],
    ['pipe@x', ['|/bin/x']],
  ]);
  const said = behindAliases(full, aliases, Math.max);
  assert.deepEqual(said, new Map(), 'b@x goes elsewhere, so none of them is full');
  aliases.delete('b@x');
  assert.deepEqual(
    behindAliases(full, aliases, Math.max),
    new Map([
      ['a@x', 5],
      ['b@x', 5],
      ['both@x', 5],
      ['far@x', 5],
      ['info@x', 5],
    ]),
  );
});

test('how far Dovecot lets the last message go beyond', () => {
  const rows: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['10%%\n', 100],
    ['5%', 50],
    ['7', 7],
    ['2K', 2048],
    ['1 M', 1_048_576],
    ['1GB', 1_073_741_824],
    ['', 100],
    ['much', 100],
  ];
  for (const [text, grace] of rows) assert.equal(graceBytesOf(text, 1000), grace, text);
});
