import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { timingFinding } from './timing.ts';

const around = (ms: number, count = 12): number[] => Array.from({ length: count }, (_, at) => ms + (at % 4));

test('a clear difference is told, in either direction', () => {
  assert.equal(timingFinding(around(40), around(3)).state, 'wrong');
  assert.equal(timingFinding(around(3), around(40)).state, 'wrong');
  assert.match(timingFinding(around(40), around(3)).words, /42\.0 ms.*5\.0 ms/);
});

test('a small difference, and a pause here and there, are none', () => {
  assert.equal(timingFinding(around(3), around(5)).state, 'proven');
  assert.equal(timingFinding([...around(3, 9), 900, 900, 900], around(3)).state, 'proven');
  assert.equal(timingFinding(around(3), [...around(3, 6), ...around(60, 6)]).state, 'proven');
});

test('it does not matter which of the two is the name that exists', () => {
  const times = fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(times, times, (a, b) => {
      assert.equal(timingFinding(a, b).state, timingFinding(b, a).state);
    }),
  );
});
