import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { QueuedMessage, ReadMessage } from '../../model/queue/message.ts';
import { messageText } from './spool-text.ts';
import { readHeaderFile, readMessageLog, recipientOf, thawed, isThawed } from './spool.ts';

const folder = join(import.meta.dirname, '../../../test/fixtures/queue/exim');
const fixture = (name: string): string => readFileSync(join(folder, name), 'latin1');
const first = '1xUcyd-00001I-1P';
const script = '1xUcyd-00001R-1V';

const readText = (text: string, id = first, reasons: ReadonlyMap<string, string> = new Map()): ReadMessage =>
  readHeaderFile(text, { id, path: `/q/${id}-H`, dataFileBytes: 37, reasons });
const messageOf = (result: ReadMessage): QueuedMessage => {
  assert.equal(result.kind, 'message', JSON.stringify(result));
  return result.kind === 'message' ? result.message : assert.fail();
};

test('real -H files: an account with a delivered recipient, a script', () => {
  const one = messageOf(readText(fixture(`${first}-H`), first, readMessageLog(fixture(`${first}.msglog`))));
  assert.deepEqual(
    [one.sender, one.account, one.client, one.helo, one.sizeBytes, one.queue, one.deliveredCount, one.arrived],
    ['alice@lab.test', 'alice@lab.test', '203.0.113.7', 'client.test', 256, 'queued', 1, 1_795_236_327_436],
  );
  assert.deepEqual(
    one.recipients.map(({ address }) => address),
    ['defer1@remote.test', 'defer2@remote.test'],
  );
  assert.match(one.recipients[1]?.reason ?? '', /451 4\.3\.2 try again later$/);
  const two = messageOf(readText(fixture(`${script}-H`), script));
  assert.deepEqual(
    [two.user, two.uid, two.account, two.client, two.script, two.sender],
    ['www-data', 33, undefined, undefined, '33:mailer.php', 'ceo@lab.test'],
  );
});

const file = (options: string, tree = 'XX\n', recipients = '1\nx@y.test\n', headers = '011  Subject: s\n'): string =>
  `${first}-H\nDebian-exim 100 100\n<a@b.test>\n1795236327 0\n${options}${tree}${recipients}\n${headers}`;

test('rows at the limits', () => {
  assert.equal(messageOf(readText(file('-frozen 1795236400\n'))).queue, 'frozen');
  // An ACL variable may hold what looks like the rest of the file.
  const variable = 'XX\n0\n\n-frozen 1\n';
  const hostile = messageOf(readText(file(`-aclm 1 ${variable.length}\n${variable}\n--auth_id bob\n`)));
  assert.deepEqual([hostile.account, hostile.queue, hostile.recipientCount], ['bob', 'queued', 1]);
  assert.equal(messageOf(readText(file('--(lsearch)auth_id quoted\n'))).account, 'quoted');
  const tree = 'YY m@x\nNN a@x\nYN z@x\nNN q@x\n';
  const done = messageOf(readText(file('', tree, '3\na@x\nq@x\nlast@x\n')));
  assert.deepEqual([done.deliveredCount, done.recipients[0]?.address], [2, 'last@x']);
  // A header that Exim has taken out (`*`) neither counts nor tells.
  const deleted = '044* X-PHP-Originating-Script: 0:nobody-sees.php\n011  Subject: s\n';
  const without = messageOf(readText(file('', 'XX\n', '1\nx@y.test\n', deleted)));
  assert.deepEqual([without.script, without.subject, without.sizeBytes], [undefined, 's', 37 - 19 + 11 + 1]);
  assert.equal(messageOf(readText(file(''))).uid, undefined, 'the Exim user is no local submitter');
  for (const broken of [
    file('-aclm 1 99999\nx\n'),
    file('-aclm 1 -5\nx\n'),
    file('', 'YY a\n'),
    file('', '', ''),
    file('', 'XX\n', '2\nx@y\n'),
    file('', 'XX\n', '1000000000\nx@y\n'),
    file('').replace(first, 'other'),
    file('').replace('<a@b.test>', 'a@b.test'),
    file('').replace('1795236327 0', 'soon'),
  ])
    assert.equal(readText(broken).kind, 'damaged', broken);
});

test('thawed, a file is what it was before it was frozen', () => {
  const real = fixture(`${first}-H`);
  const frozen = real.replace('\n-tls_resumption', '\n-frozen 1795237479\n-tls_resumption');
  assert.equal(messageOf(readText(frozen)).queue, 'frozen');
  assert.equal(thawed(frozen, false), real);
  assert.equal(thawed(real, true), real);
  const byHand = real.replace('\n-tls_resumption', '\n-manual_thaw\n-tls_resumption');
  assert.ok(isThawed(byHand) && !isThawed(frozen));
  assert.equal(thawed(frozen, true), byHand);
  // What stands in a variable is the sender's, and stays.
  const variable = 'x\n-frozen 1\ny';
  const hostile = file(`-aclm 1 ${variable.length}\n${variable}\n-frozen 2\n--auth_id bob\n`);
  assert.equal(thawed(hostile, false), hostile.replace('-frozen 2\n', ''));
});

test('what may follow a recipient is counted from its end', () => {
  const rows = [
    ['x@y.test', 'x@y.test'],
    ['x@y.test 0,0#1', 'x@y.test'],
    ['x@y.test errs@y.test 11,-1#1', 'x@y.test'],
    ['"a b"@y.test errs@y.test 11,-1#1', '"a b"@y.test'],
    ['x@y.test rfc822;x@y.test 15,2#2', 'x@y.test'],
    ['x@y.test rfc822;x@y.test 15,2 errs@y.test 11,-1#3', 'x@y.test'],
    ['x@y.test  0,0  0,-1#3', 'x@y.test'],
    ['odd#7', 'odd#7'],
  ] as const;
  for (const [line, address] of rows) assert.equal(recipientOf(line), address, line);
});

test('a file that is cut before its headers is damaged, and says so', () => {
  const text = fixture(`${first}-H`);
  const headersAt = text.indexOf('\n\n') + 2;
  for (let end = 0; end < headersAt; end++) assert.equal(readText(text.slice(0, end)).kind, 'damaged', `${end}`);
});

test('whatever the bytes, there is an answer', () => {
  const real = fixture(`${first}-H`);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { maxLength: 20 }), (changes) => {
      const bytes = Buffer.from(real, 'latin1');
      for (const [at, value] of changes) bytes[at] = value;
      assert.ok(['message', 'damaged'].includes(readText(bytes.toString('latin1')).kind));
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(readText(text).kind, 'damaged');
      assert.ok(readMessageLog(text).size >= 0);
      assert.ok(recipientOf(text).length <= text.length);
    }),
  );
});

test('the message of a spool: headers that are still part of it, in their order, a blank line, the body', () => {
  const header = fixture(`${script}-H`);
  const whole = messageText(header, `${script}-D\nbuy\n`);
  assert.ok(whole !== undefined && whole.startsWith('Received: from www-data by mx.lab.test'));
  assert.ok(whole.endsWith('+0000\n\nbuy\n'));
  const replaced = messageText(header.replace('030F From: ', '030* From: '), `${script}-D\nbuy\n`);
  assert.ok(replaced !== undefined && !replaced.includes('\nFrom: '));
  assert.equal(messageText(header.slice(0, 60), ''), undefined);
});
