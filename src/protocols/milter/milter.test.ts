import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeCommand, encodeCommand } from './command.ts';
import type { MilterCommand } from './command.ts';
import { createPacketCutter, packetBytesMax } from './packet.ts';
import type { Packet } from './packet.ts';
import { actions, decodeReply, encodeReply, steps } from './reply.ts';
import type { MilterReply } from './reply.ts';

const text = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCodePoint(code)),
  maxLength: 40,
});
const number = fc.nat({ max: 0xffffffff });
const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));

/** As our own objects are made. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });

const commands: fc.Arbitrary<MilterCommand> = fc.oneof(
  record({ version: number, actions: number, protocol: number }).map(
    (offer) => ({ kind: 'negotiate', offer }) as const,
  ),
  record({
    kind: fc.constant('connect' as const),
    host: text,
    family: fc.constantFrom('unix' as const, 'inet' as const, 'inet6' as const),
    port: fc.nat({ max: 65_535 }),
    address: text,
  }),
  text.map((host) => ({ kind: 'connect', host, family: 'unknown', port: 0, address: '' }) as const),
  text.map((name) => ({ kind: 'helo', name }) as const),
  record({ kind: fc.constantFrom('mail' as const, 'rcpt' as const), address: text, parameters: fc.array(text) }),
  fc.constantFrom('data', 'end-of-headers', 'abort', 'quit', 'quit-new-connection').map((kind) => ({ kind })),
  record({ kind: fc.constant('header' as const), name: text, value: text }),
  record({ kind: fc.constantFrom('body' as const, 'end-of-message' as const), bytes }),
  text.map((line) => ({ kind: 'unknown', line }) as const),
  record({ of: fc.constantFrom('C', 'M', 'R'), pairs: fc.array(fc.tuple(text, text)) }).map(
    ({ of, pairs }) => ({ kind: 'macros', of, values: new Map(pairs) }) as const,
  ),
);

const replies: fc.Arbitrary<MilterReply> = fc.oneof(
  fc
    .constantFrom(
      'continue',
      'accept',
      'reject',
      'tempfail',
      'discard',
      'skip',
      'progress',
      'connection-failed',
      'shutdown',
    )
    .map((kind) => ({ kind })),
  text.map((reason) => ({ kind: 'quarantine', reason }) as const),
  text.map((line) => ({ kind: 'reply-code', text: line }) as const),
  record({ kind: fc.constant('add-header' as const), name: text, value: text }),
  record({
    kind: fc.constantFrom('insert-header' as const, 'change-header' as const),
    at: number,
    name: text,
    value: text,
  }),
  record({
    kind: fc.constantFrom('change-sender' as const, 'add-recipient' as const),
    address: text,
    parameters: text,
  }),
  record({ kind: fc.constantFrom('change-sender' as const, 'add-recipient' as const), address: text }),
  text.map((address) => ({ kind: 'delete-recipient', address }) as const),
  bytes.map((body) => ({ kind: 'replace-body', bytes: body }) as const),
  fc.tuple(number, number, text).map(
    ([wanted, protocol, names]) =>
      ({
        kind: 'negotiate',
        choice: { version: 6, actions: wanted, protocol },
        macros: [
          ['mail', names],
          ['endOfMessage', 'i'],
        ],
      }) as const,
  ),
);

const onlyPacket = (encoded: Buffer): Packet => {
  const [packet, ...more] = createPacketCutter().cut(encoded);
  assert.ok(packet !== undefined && packet !== 'too-large' && more.length === 0);
  return packet;
};

test('every command and every reply comes back as it was', () => {
  fc.assert(
    fc.property(commands, (command) => {
      assert.deepEqual(decodeCommand(onlyPacket(encodeCommand(command))), command);
    }),
  );
  fc.assert(
    fc.property(replies, (reply) => {
      assert.deepEqual(decodeReply(onlyPacket(encodeReply(reply))), reply);
    }),
  );
});

test('wherever the bytes are cut, the packets are the same', () => {
  fc.assert(
    fc.property(fc.array(commands, { minLength: 1, maxLength: 6 }), fc.array(fc.nat({ max: 50 })), (all, cuts) => {
      const whole = Buffer.concat(all.map(encodeCommand));
      const cutter = createPacketCutter();
      const packets = [];
      let at = 0;
      for (const cut of cuts) {
        packets.push(...cutter.cut(whole.subarray(at, at + cut)));
        at = Math.min(whole.length, at + cut);
      }
      packets.push(...cutter.cut(whole.subarray(at)));
      assert.deepEqual(packets, createPacketCutter().cut(whole));
      assert.equal(packets.length, all.length);
    }),
  );
});

test('garbage is no command, no reply and no crash', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 1 }), bytes, (code, data) => {
      decodeCommand({ code, data });
      decodeReply({ code, data });
    }),
  );
  const rows: readonly (readonly [string, string])[] = [
    ['O', 'short'],
    ['C', 'host\0'],
    ['C', 'host\0X'],
    ['C', 'host\x004\0'],
    ['H', 'no end'],
    ['M', ''],
    ['L', 'name only\0'],
    ['D', 'Modd\0'],
    ['?', ''],
  ];
  for (const [code, data] of rows) assert.equal(decodeCommand({ code, data: Buffer.from(data, 'latin1') }), undefined);
});

test('a length at the limit passes, beyond it the connection is given up', () => {
  const cutter = createPacketCutter();
  const head = Buffer.alloc(5);
  head.writeUInt32BE(packetBytesMax);
  head.write('B', 4);
  assert.deepEqual(cutter.cut(head), []);
  assert.equal(cutter.cut(Buffer.alloc(packetBytesMax - 1)).length, 1);
  head.writeUInt32BE(packetBytesMax + 1);
  assert.deepEqual(cutter.cut(head), ['too-large']);
  assert.deepEqual(cutter.cut(encodeCommand({ kind: 'quit' })), [], 'and nothing after it');
  assert.deepEqual(createPacketCutter().cut(Buffer.alloc(4)), ['too-large'], 'a packet has a code');
});

test('the first bytes of Postfix and Sendmail, and our answer', () => {
  const offer = onlyPacket(Buffer.from('0000000d4f00000006000001ff001fffff', 'hex'));
  assert.deepEqual(decodeCommand(offer), {
    kind: 'negotiate',
    offer: { version: 6, actions: 0x1ff, protocol: 0x1fffff },
  });
  const answer = encodeReply({
    kind: 'negotiate',
    choice: { version: 6, actions: actions.quarantine, protocol: steps.refusedRecipients },
    macros: [],
  });
  assert.equal(answer.toString('hex'), '0000000d4f000000060000002000000800');
});

test('a text cannot begin another one', () => {
  const header = encodeReply({ kind: 'add-header', name: 'X-A', value: 'b\0X-Evil\0c' });
  assert.deepEqual(decodeReply(onlyPacket(header)), { kind: 'add-header', name: 'X-A', value: 'b' });
});
