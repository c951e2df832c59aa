import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { recipientsKeptMax } from '../../model/queue/message.ts';
import type { QueuedMessage, ReadMessage } from '../../model/queue/message.ts';
import { messageText } from './queue-text.ts';
import { queueOfPrefix, readEnvelopeFile } from './queue-file.ts';

const folder = join(import.meta.dirname, '../../../test/fixtures/queue/sendmail');
const fixture = (name: string): string => readFileSync(join(folder, name), 'latin1');
const readText = (text: string): ReadMessage =>
  readEnvelopeFile(text, { id: '6AL4iapx000310', queue: 'queued', path: '/q/x', dataFileBytes: 18 });
const messageOf = (result: ReadMessage): QueuedMessage => {
  assert.equal(result.kind, 'message', JSON.stringify(result));
  return result.kind === 'message' ? result.message : assert.fail();
};

test('real qf files: an authenticated client, a script that set another sender', () => {
  const one = messageOf(readText(fixture('qf6AL4iapx000310')));
  assert.deepEqual(
    [one.sender, one.client, one.helo, one.subject, one.arrived, one.account],
    ['alice@lab.test', '203.0.113.7', 'client.test', 'one', 1_795_236_276_000, undefined],
  );
  assert.deepEqual(one.recipients, [
    { address: 'defer1@remote.test', reason: 'Deferred: 451 4.3.2 try again later' },
    { address: 'defer2@remote.test', reason: 'Deferred: 451 4.3.2 try again later' },
  ]);
  const two = messageOf(readText(fixture('qf6AL4iajd000321')));
  assert.deepEqual([two.user, two.script, two.sender], ['www-data', '33:mailer.php', 'ceo@lab.test']);
});

test('a message from elsewhere names no user of ours, whatever its headers say and whose .forward it goes through', () => {
  const forged =
    'H??X-Authentication-Warning: mx.lab.test: www-data set sender to ceo@lab.test using -f\nCbob:1001:1001:bob\n';
  const userOf = (macros: string): unknown => {
    const { user, uid } = messageOf(readText(`V8\nT1795236276\n${macros}S<a@b.test>\n${forged}.\n`));
    return [user, uid];
  };
  assert.deepEqual(userOf('$_h.clients.test [203.0.113.7]\n${if_addr}192.0.2.27\n'), [undefined, undefined]);
  assert.deepEqual(userOf('$_h.clients.test [203.0.113.7]\n'), [undefined, undefined]);
  for (const own of ['$_mx.lab.test [192.0.2.27]\n${if_addr}192.0.2.27\n', '$_localhost [127.0.0.1]\n', ''])
    assert.deepEqual(userOf(own), ['www-data', 1001], own);
});

test('rows at the limits', () => {
  const file = (lines: string): string => `V8\nT1795236276\nS<a@b.test>\n${lines}.\n`;
  const many = Array.from({ length: recipientsKeptMax + 5 }, (_, at) => `RPFD:<r${at}@x.test>\n`).join('');
  const crowd = messageOf(readText(file(many)));
  assert.deepEqual([crowd.recipientCount, crowd.recipients.length], [recipientsKeptMax + 5, recipientsKeptMax]);
  assert.equal(messageOf(readText(file('Rlaba\n'))).recipients[0]?.address, 'laba');
  assert.equal(messageOf(readText(file('S<>\n'))).sender, '');
  assert.equal(messageOf(readText(file('$_[IPv6:2001:db8:0:0:0:0:0:7]\n'))).client, '2001:db8::7');
  assert.equal(messageOf(readText(file('$_www-data@localhost\n'))).user, 'www-data');
  assert.deepEqual(
    [messageOf(readText(file('Cbob:1001:1001:bob\n'))).user, messageOf(readText(file('Cbob:1001:1001:bob\n'))).uid],
    ['bob', 1001],
  );
  assert.equal(messageOf(readText(file(`H?\nH??${'x'.repeat(1_000_000)}\n`))).recipientCount, 0);
  // A dot ends the file: a later line is not of it.
  assert.equal(messageOf(readText(`${file('')}S<other@x>\n`)).sender, 'a@b.test');
  for (const broken of ['', 'V9\n.\n', 'Vx\n.\n', 'T1\n.\n', 'V8\nT1\n.\n', 'V8\nTx\nS<a>\n.\n', 'V8\nT1\nS<a>\n'])
    assert.equal(readText(broken).kind, 'damaged', broken);
  assert.deepEqual([...queueOfPrefix.values()], ['queued', 'quarantined', 'lost']);
});

test('a file that is cut before its dot is damaged, and says so', () => {
  const text = fixture('qf6AL4iapx000310');
  for (let end = 0; end < text.length - 1; end++) assert.equal(readText(text.slice(0, end)).kind, 'damaged', `${end}`);
});

test('whatever the bytes, there is an answer', () => {
  const real = fixture('qf6AL4iajd000321');
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { maxLength: 20 }), (changes) => {
      const bytes = Buffer.from(real, 'latin1');
      for (const [at, value] of changes) bytes[at] = value;
      assert.ok(['message', 'damaged'].includes(readText(bytes.toString('latin1')).kind));
    }),
    { numRuns: 2000 },
  );
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => assert.ok(readText(text).kind.length > 0)));
});

test('the message of a queue file: headers without flags, what continues them, none that is only made at delivery', () => {
  const whole = messageText(fixture('qf6AL4iapx000310'), 'hello\n');
  assert.match(
    whole,
    /^Received: from client\.test [\s\S]*\nFrom: alice@lab\.test\nSubject: one\nMessage-ID: <one@x>\n\nhello\n$/,
  );
  assert.match(whole, /^Received: .*\n\t/, 'it goes on in the next line');
  assert.ok(!whole.includes('Return-Path'));
});
