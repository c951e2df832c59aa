import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeReply, dnsTypes, encodeQuestion } from './message.ts';
import type { DnsType } from './message.ts';

const labels = fc.array(fc.stringMatching(/^[a-z0-9-]{1,20}$/), { minLength: 1, maxLength: 8 });
const types = fc.constantFrom<DnsType>('A', 'AAAA', 'MX');

/** An answer as a server writes it: the question again, then records that refer to it. */
const replyTo = (question: Buffer, flags: number, sections: readonly (readonly Buffer[])[]): Buffer => {
  const bytes = Buffer.concat([question, ...sections.flat()]);
  bytes.writeUInt16BE(flags, 2);
  sections.forEach((records, at) => bytes.writeUInt16BE(records.length, 6 + at * 2));
  return bytes;
};
const record = (type: number, ttl: number, data: readonly number[]): Buffer => {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]);
  head.writeUInt32BE(ttl, 6);
  return Buffer.concat([head, Buffer.from(data)]);
};
const asked = (name: string, type: DnsType): Buffer => encodeQuestion({ id: 7, name, type }) ?? Buffer.alloc(0);
const soaData = (minimum: number): number[] => [0, 0, ...Array.from({ length: 16 }, () => 0), 0, 0, 0, minimum];

test('a question comes back as it was asked', () => {
  fc.assert(
    fc.property(labels, types, fc.nat(65_535), (parts, type, id) => {
      const name = parts.join('.');
      const question = encodeQuestion({ id, name, type });
      assert.ok(question !== undefined);
      const heard = decodeReply(replyTo(question, 0x81_80, []));
      assert.deepEqual([heard?.id, heard?.name, heard?.type], [id, name, dnsTypes[type]]);
    }),
  );
});

test('values and lifetimes: addresses, exchangers, the null MX, no such name', () => {
  const addresses = [record(5, 20, [0xc0, 12]), record(1, 300, [192, 0, 2, 1]), record(1, 60, [192, 0, 2, 2])];
  const a = decodeReply(replyTo(asked('x.test', 'A'), 0x81_80, [addresses]));
  assert.deepEqual([a?.code, a?.values, a?.ttlSeconds], [0, ['192.0.2.1', '192.0.2.2'], 20]);
  const aaaa = decodeReply(
    replyTo(asked('x.test', 'AAAA'), 0x81_80, [
      [record(28, 9, [32, 1, 13, 184, ...Array.from({ length: 11 }, () => 0), 1])],
    ]),
  );
  assert.deepEqual(aaaa?.values, ['2001:db8:0:0:0:0:0:1']);
  const mx = decodeReply(replyTo(asked('x.test', 'MX'), 0x81_80, [[record(15, 9, [0, 10, 2, 109, 120, 0xc0, 12])]]));
  assert.deepEqual(mx?.values, ['mx.x.test']);
  assert.deepEqual(decodeReply(replyTo(asked('x.test', 'MX'), 0x81_80, [[record(15, 9, [0, 0, 0])]]))?.values, ['']);
  const none = decodeReply(replyTo(asked('x.test', 'A'), 0x81_83, [[], [record(6, 900, soaData(40))]]));
  assert.deepEqual([none?.code, none?.values, none?.ttlSeconds], [3, [], 40]);
  const cut = replyTo(asked('x.test', 'A'), 0x83_80, [[record(1, 300, [192, 0, 2, 1])]]).subarray(0, -3);
  assert.deepEqual([decodeReply(cut)?.truncated, decodeReply(cut)?.values], [true, []]);
});

test('what cannot be asked, and what is no answer', () => {
  for (const name of ['a..b', '.', 'x'.repeat(64), `${'x'.repeat(60)}.`.repeat(5), 'sp ace.test', 'caf\u00e9.test'])
    assert.equal(encodeQuestion({ id: 1, name, type: 'A' }), undefined, name);
  assert.equal(decodeReply(asked('x.test', 'A')), undefined, 'a question');
  const circle = replyTo(asked('x.test', 'MX'), 0x81_80, [[record(15, 9, [0, 0, 0xc0, 38])]]);
  assert.equal(decodeReply(circle), undefined, 'a name that refers to itself');
  const whole = replyTo(asked('x.test', 'MX'), 0x81_80, [[record(15, 9, [0, 10, 2, 109, 120, 0xc0, 12])]]);
  for (let cut = 0; cut < whole.length; cut++) assert.equal(decodeReply(whole.subarray(0, cut)), undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(whole.length), (bytes, at) => {
      decodeReply(Buffer.from(bytes));
      decodeReply(Buffer.concat([whole.subarray(0, at), Buffer.from(bytes)]));
    }),
  );
});
