import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createLineCutter } from './lines.ts';

const lineBytesMax = 64 * 1024;

const cutIn = (chunks: readonly string[]): { lines: string[]; tooLong: number } => {
  const lines: string[] = [];
  const cutter = createLineCutter((line) => lines.push(line));
  for (const chunk of chunks) cutter.feed(chunk);
  cutter.end();
  return { lines, tooLong: cutter.tooLong() };
};

test('lines end with LF or CRLF, the last one may have no end', () => {
  assert.deepEqual(cutIn(['a\nb\r\n\nc']).lines, ['a', 'b', '', 'c']);
  assert.deepEqual(cutIn(['', 'a', '', '\n']).lines, ['a']);
  assert.deepEqual(cutIn(['']).lines, []);
});

test('it does not matter where the text is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '\n', '\r', '\0', 'é') })), (chunks) => {
      assert.deepEqual(cutIn(chunks), cutIn([chunks.join('')]));
    }),
  );
});

test('a line at the limit is given, a longer one is skipped and counted, the next one is whole', () => {
  const rows = [
    [lineBytesMax, 0],
    [lineBytesMax + 1, 1],
    [10 * lineBytesMax, 1],
  ] as const;
  for (const [length, skipped] of rows) {
    const text = `${'x'.repeat(length)}\nnext\n`;
    for (const chunks of [[text], text.match(/[^]{1,1000}/g) ?? []]) {
      const { lines, tooLong } = cutIn(chunks);
      assert.equal(tooLong, skipped);
      assert.equal(lines.at(-1), 'next');
      assert.equal(lines.length, skipped === 0 ? 2 : 1);
    }
  }
});
