import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { answerBytesMax, decodeAnswer, encodeAnswer } from './answer.ts';

test('an answer is one action line and an empty line', () => {
  assert.equal(encodeAnswer('450 4.7.1 Later'), 'action=450 4.7.1 Later\n\n');
});

const word = fc.string({ unit: fc.constantFrom('a', '5', ' ', '.', '='), maxLength: 20 });

test('answers are read back one after another, and a half one is waited for', () => {
  fc.assert(
    fc.property(word, word, fc.nat(60), (one, other, cut) => {
      const text = encodeAnswer(one) + encodeAnswer(other);
      const first = decodeAnswer(text);
      assert.deepEqual([first?.action, decodeAnswer(first?.rest ?? '')], [one, { action: other, rest: '' }]);
      const part = decodeAnswer(text.slice(0, cut));
      if (cut < encodeAnswer(one).length) assert.equal(part, undefined);
      else assert.equal(part?.action, one);
    }),
  );
  assert.equal(decodeAnswer('hello\n\n')?.action, '');
  assert.equal(decodeAnswer('x'.repeat(answerBytesMax)), undefined);
});
