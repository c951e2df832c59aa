import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { beginsWithOneOf } from './starts.ts';

test('as if each word were compared', () => {
  const word = fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom('a', 'b', ' ') });
  fc.assert(
    fc.property(fc.array(word), fc.oneof(word, fc.constant('')), (starts, text) => {
      assert.equal(
        beginsWithOneOf(starts)(text),
        starts.some((start) => text.startsWith(start)),
      );
    }),
  );
});
