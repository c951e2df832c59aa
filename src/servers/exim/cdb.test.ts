import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cdbOf, cdbValue } from './cdb.ts';

const texts = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 9,
});

test('what was put in is found, and nothing else', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(texts, texts), { selector: ([key]) => key, maxLength: 300 }),
      texts,
      (entries, other) => {
        const database = cdbOf(entries);
        for (const [key, value] of entries) assert.equal(cdbValue(database, key), value);
        if (!entries.some(([key]) => key === other)) assert.equal(cdbValue(database, other), undefined);
      },
    ),
    { numRuns: 50 },
  );
});

test('what is no such database has no answer', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 4000 }), texts, (bytes, key) => void cdbValue(bytes, key)));
  assert.equal(cdbValue(new Uint8Array(), 'a'), undefined);
});
