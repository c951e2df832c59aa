import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fold } from './style.ts';

test('long text is folded between words, and says the same', () => {
  assert.deepEqual(fold('    who         one two three', 20, 16), [
    '    who         one',
    `${' '.repeat(16)}two`,
    `${' '.repeat(16)}three`,
  ]);
  assert.deepEqual(fold('short', 60, 16), ['short']);
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 20, max: 100 }), (text, width) => {
      const lines = fold(text, width, 4);
      assert.equal(lines.join('').replaceAll(' ', ''), text.replaceAll(' ', ''));
      for (const line of lines) assert.ok(line.length <= width || !line.trim().includes(' '), line);
    }),
  );
});
