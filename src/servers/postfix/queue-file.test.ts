import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { recipientsKeptMax } from '../../model/queue/message.ts';
import type { QueuedMessage, ReadMessage } from '../../model/queue/message.ts';
import { readDeferLog, readQueueFile } from './queue-file.ts';
import { messageText } from './queue-text.ts';
import { readListing } from './queue-listing.ts';

const folder = join(import.meta.dirname, '../../../test/fixtures/queue/postfix');
const fixture = (name: string): string => readFileSync(join(folder, name), 'latin1');
const ids = ['4jWfkR60Vjzbp', '4jWfkR64fTzbr', '4jWfkR6Mxpzc2'] as const;

const readText = (text: string, id = 'x', reasons: ReadonlyMap<string, string> = new Map()): ReadMessage =>
  readQueueFile(
    { id, queue: 'deferred', path: `/q/${id}` },
    (offset, length) => text.slice(offset, offset + length),
    (recipient) => reasons.get(recipient),
  );
const messageOf = (result: ReadMessage): QueuedMessage => {
  assert.equal(result.kind, 'message', JSON.stringify(result));
  return result.kind === 'message' ? result.message : assert.fail();
};

const record = (type: string, data: string): string => {
  let length = data.length;
  let bytes = '';
  for (; length > 127; length = Math.floor(length / 128)) bytes += String.fromCharCode((length % 128) | 128);
  return `${type}${bytes}${String.fromCharCode(length)}${data}`;
};
const padded = (value: number): string => `${value}`.padStart(15);
/** As cleanup(8) writes it: the size record comes first and is filled in last. */
const queueFile = (envelope: string, body: string, after = record('X', '') + record('E', '')): string => {
  const sizeLength = record('C', `${padded(0)} ${padded(0)}`).length;
  const head = `${envelope}${record('M', '')}`;
  return `${record('C', `${padded(body.length)} ${padded(sizeLength + head.length)}`)}${head}${body}${after}`;
};
const envelope = record('T', '1795236271 849703') + record('S', 'a@b.test');

test('real queue files: an account, a forged sender, a script', () => {
  const reasons = readDeferLog(fixture('4jWfkR60Vjzbp.defer'));
  const [one, two, three] = ids.map((id) => messageOf(readText(fixture(id), id, reasons)));
  assert.ok(one !== undefined && two !== undefined && three !== undefined);
  assert.deepEqual(
    [one.sender, one.account, one.client, one.helo, one.sizeBytes, one.recipientCount, one.deliveredCount],
    ['alice@lab.test', 'alice@lab.test', '203.0.113.7', 'client.test', 226, 2, 1],
  );
  assert.match(one.recipients[0]?.reason ?? '', /451 4\.3\.2 try again later/);
  assert.equal(one.arrived, 1_795_236_271_833);
  assert.deepEqual([two.sender, two.subject], ['ceo@elsewhere.test', 'two']);
  assert.deepEqual(
    [three.uid, three.script, three.account, three.client, three.recipients.map(({ address }) => address)],
    [33, '33:mailer.php', undefined, undefined, ['defer4@remote.test']],
  );
});

test('the listing of postqueue says the same of what it knows', () => {
  const lines = fixture('postqueue.jsonl').trim().split('\n');
  assert.ok(lines.length >= ids.length);
  const listed = new Map(lines.map((line) => messageOf(readListing(line))).map((each) => [each.id, each]));
  for (const id of ids) {
    const file = messageOf(readText(fixture(id), id));
    const line = listed.get(id);
    assert.deepEqual(
      [line?.sender, line?.sizeBytes, line?.recipientCount, Math.floor((line?.arrived ?? 0) / 1000)],
      [file.sender, file.sizeBytes, file.recipientCount, Math.floor(file.arrived / 1000)],
    );
  }
  for (const broken of ['', '{}', '[]', 'null', '{"queue_name":"deferred"}', '{"queue_name":"x","queue_id":1}'])
    assert.equal(readListing(broken).kind, 'damaged', broken);
});

test('a file that is cut anywhere is damaged, and says so', () => {
  for (const id of ids) {
    const text = fixture(id);
    for (let end = 0; end < text.length; end++)
      assert.equal(readText(text.slice(0, end), id).kind, 'damaged', `${end}`);
  }
});

test('whatever the bytes, there is an answer', () => {
  const real = fixture(ids[0]);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { maxLength: 20 }), (changes) => {
      const bytes = Buffer.from(real, 'latin1');
      for (const [at, value] of changes) bytes[at] = value;
      assert.ok(['message', 'damaged'].includes(readText(bytes.toString('latin1')).kind));
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(readText(Buffer.from(bytes).toString('latin1')).kind, 'damaged');
    }),
  );
});

test('rows at the limits', () => {
  const many = Array.from({ length: recipientsKeptMax + 5 }, (_, at) => record('R', `r${at}@x.test`)).join('');
  const crowd = messageOf(readText(queueFile(envelope + many, record('N', 'Subject: s'))));
  assert.deepEqual([crowd.recipientCount, crowd.recipients.length], [recipientsKeptMax + 5, recipientsKeptMax]);

  const late = messageOf(
    readText(queueFile(envelope, '', record('X', '') + record('R', 'z@x.test') + record('E', ''))),
  );
  assert.equal(late.recipients[0]?.address, 'z@x.test');

  const long = `${'x'.repeat(100_000)}@y.test`;
  assert.equal(messageOf(readText(queueFile(envelope + record('R', long), ''))).recipients[0]?.address, long);

  // A newline in a name, a NUL in a header, another Received line than the first: data like any other.
  const odd = record('R', 'new\nline\0@x.test');
  const body = record('N', 'Received: from x') + record('N', 'Received: by mx (Postfix, from userid 0)');
  const strange = messageOf(readText(queueFile(envelope + odd, body)));
  assert.deepEqual([strange.uid, strange.recipients[0]?.address], [undefined, 'new\nline\0@x.test']);
});

test('pointers lead on, and in a circle to an end', () => {
  // As after a milter's edit: the recipient was moved behind the message, and a pointer leads back to what followed it.
  const size = record('C', `${padded(0)} ${padded(0)}`).length;
  const pointer = (to: number): string => record('p', padded(to));
  const head = size + envelope.length;
  const back = head + pointer(0).length;
  const tailAt =
    back + record('M', '').length + record('N', 'Subject: s').length + record('X', '').length + record('E', '').length;
  const moved =
    queueFile(envelope + pointer(tailAt), record('N', 'Subject: s')) + record('R', 'moved@x.test') + pointer(back);
  assert.equal(messageOf(readText(moved)).recipients[0]?.address, 'moved@x.test');
  assert.equal(readText(queueFile(envelope + pointer(head), '')).kind, 'damaged');
  assert.equal(messageOf(readText(queueFile(envelope + pointer(0), ''))).recipientCount, 0);
});

test('a defer log: the last reason of each recipient', () => {
  const log = '<a@b>: x\nrecipient=a@b\nreason=first\n\n<a@b>: y\nrecipient=a@b\nstatus=4.0.0\nreason=last=one\n';
  assert.deepEqual([...readDeferLog(log)], [['a@b', 'last=one']]);
  fc.assert(fc.property(fc.string(), (text) => assert.ok(readDeferLog(text).size >= 0)));
});

test('the message of a queue file: its lines, also those without an end, and what a milter put elsewhere', () => {
  const whole = (text: string): string | undefined =>
    messageText((offset, length) => text.slice(offset, offset + length));
  assert.match(
    whole(fixture(ids[0])) ?? '',
    /^Received: from client\.test [\s\S]*\nSubject: one\n[\s\S]*\n\nhello\n\.dot\nFrom x\n$/,
  );
  const start = record('S', 'a@x') + record('M', '');
  assert.equal(
    whole(start + record('N', 'A: b') + record('N', '') + record('L', 'long') + record('N', ' end') + record('X', '')),
    'A: b\n\nlong end\n',
  );
  const elsewhere = record('N', 'B: c') + record('X', '');
  const before = start + record('N', 'A: b');
  const pointer = (to: number): string => record('p', String(to).padStart(15));
  const at = before.length + pointer(0).length + 3;
  assert.equal(whole(`${before}${pointer(at)}N\x01x${elsewhere}`), 'A: b\nB: c\n');
  assert.equal(whole(start + record('N', 'cut')), undefined);
  assert.equal(whole(start + pointer(start.length)), undefined, 'round and round');
});
