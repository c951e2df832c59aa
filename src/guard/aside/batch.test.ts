import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { draftEvent, eventKinds, outcomes, protocols, reasons, serverNames } from '../../model/event.ts';
import type { Event } from '../../model/event.ts';
import { createPacker, eventsMax, unpack } from './batch.ts';

const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const perhaps = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const event: fc.Arbitrary<Event> = fc.record(
  {
    time: fc.double({ noNaN: true }),
    server: fc.constantFrom(...serverNames),
    kind: fc.constantFrom(...eventKinds),
    outcome: perhaps(fc.constantFrom(...outcomes)),
    client: perhaps(fc.constantFrom('192.0.2.1', '2001:db8::25', '203.0.113.7')),
    account: perhaps(latin1),
    sender: perhaps(latin1),
    recipient: perhaps(latin1),
    queueId: perhaps(latin1),
    session: fc.constant(undefined),
    text: fc.constant(undefined),
    helo: perhaps(latin1),
    user: perhaps(latin1),
    origin: perhaps(latin1),
    protocol: perhaps(fc.constantFrom(...protocols)),
    reason: perhaps(fc.constantFrom(...reasons)),
    dsn: perhaps(latin1),
    password: perhaps(latin1),
    remote: perhaps(fc.boolean()),
    count: perhaps(fc.double({ noNaN: true })),
    size: perhaps(fc.double({ noNaN: true })),
  },
  { noNullPrototype: true },
);

test('what is unpacked is what was packed, batch after batch', () => {
  const packer = createPacker();
  fc.assert(
    fc.property(fc.array(event), (events) => {
      for (const one of events) packer.add(one);
      assert.equal(packer.size(), events.length);
      const told: Event[] = [];
      unpack(packer.take(), (one) => told.push(one));
      assert.equal(packer.size(), 0);
      assert.deepEqual(told, events);
    }),
  );
});

test('a batch holds as many events as it says, each with every field', () => {
  const full: Event = {
    ...draftEvent(1, 'gate', 'other'),
    outcome: 'expired',
    client: '192.0.2.1',
    account: 'a',
    sender: 'b',
    recipient: 'c',
    queueId: 'd',
    helo: 'g',
    user: 'h',
    origin: 'i',
    protocol: 'local',
    reason: 'removed',
    dsn: '5.1.1',
    password: 'j',
    remote: false,
    count: 2,
    size: 3,
  };
  const packer = createPacker();
  for (let i = 0; i < eventsMax; i++) packer.add(full);
  const told: Event[] = [];
  unpack(packer.take(), (one) => told.push(one));
  assert.equal(told.length, eventsMax);
  for (const one of told) assert.deepEqual(one, full);
});
