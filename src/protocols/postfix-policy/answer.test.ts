import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeAnswer } from './answer.ts';

test('an answer is one action line and an empty line', () => {
  assert.equal(encodeAnswer('450 4.7.1 Later'), 'action=450 4.7.1 Later\n\n');
});
