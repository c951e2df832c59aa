import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createMessageWatch } from './message-limits.ts';
import type { Excess, MessageLimits } from './message-limits.ts';

const limits: MessageLimits = { headerBytesMax: 40, lineBytesMax: 30, hopsMax: 2 };

const watched = (text: string, cuts: readonly number[] = [], by = limits): readonly [Excess | undefined, string] => {
  const watch = createMessageWatch(by);
  let excess: Excess | undefined;
  let at = 0;
  for (const cut of [...cuts, text.length]) {
    excess = watch.put(Buffer.from(text.slice(at, at + cut), 'latin1'));
    at += cut;
  }
  return [excess, watch.head()];
};

test('header, lines and hops, at their limits', () => {
  const hop = 'Received: x\r\n';
  const filler = (bytes: number): string => `${'x'.repeat(18)}\r\n${'x'.repeat(bytes - 22)}\r\n`;
  const rows: readonly (readonly [string, Excess | undefined])[] = [
    ['', undefined],
    [`${hop.repeat(2)}\r\n${hop.repeat(10)}`, undefined],
    [`${hop.repeat(2)}rEcEiVeD: y\r\n\r\n`, 'hops'],
    [`Received-SPF: x\r\nX: Received: x\r\n\r\n`, undefined],
    [`${filler(38)}\r\n${'y\r\n'.repeat(50)}`, undefined],
    [`${filler(39)}\r\n`, 'header'],
    [`\r\n${'x'.repeat(28)}\r\n`, undefined],
    [`\r\n${'x'.repeat(29)}\r\n`, 'line'],
    [`\r\n${'x'.repeat(31)}`, 'line'],
    [`\r\na\r\n${'x'.repeat(29)}\r\nb\r\n`, 'line'],
  ];
  for (const [text, excess] of rows) assert.equal(watched(text)[0], excess, JSON.stringify(text));
  const none = { headerBytesMax: 0, lineBytesMax: 0, hopsMax: 0 };
  assert.equal(watched(`${hop.repeat(500)}${'x'.repeat(5000)}`, [], none)[0], undefined);
});

test('wherever it is cut, the same is too much', () => {
  const part = fc.constantFrom(
    'Received: x\r\n',
    'Subject: y\r\n',
    '\r\n',
    '\n',
    'x'.repeat(14),
    'Rece',
    '\r',
    'ived:',
  );
  let excesses = 0;
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 9 })), (parts, cuts) => {
      const text = parts.join('');
      const [excess, head] = watched(text);
      if (excess !== undefined) excesses++;
      const again = watched(text, cuts);
      assert.deepEqual([again[0] !== undefined, again[1]], [excess !== undefined, head]);
    }),
    { numRuns: 1000 },
  );
  assert.ok(excesses > 100);
});

test('of a header no more is kept than its first lines', () => {
  const watch = createMessageWatch({ ...limits, headerBytesMax: 0 });
  for (let at = 0; at < 100; at++) watch.put(Buffer.from(`X-${at}: ${'x'.repeat(200)}\r\n`));
  assert.equal(watch.head().length, 4096);
  assert.equal(watched('Subject: x\r\n\r\nbody\r\n')[1], 'Subject: x');
});
