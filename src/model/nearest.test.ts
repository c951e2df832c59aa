import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

test('finds the word that was meant, and none when nothing is near', () => {
  const known = ['analyze', 'parse', 'explain', 'run'];
  for (const [typed, meant] of [
    ['analyse', 'analyze'],
    ['prase', 'parse'],
    ['explan', 'explain'],
    ['rum', 'run'],
  ] as const) {
    assert.equal(nearest(typed, known), meant);
  }
  assert.equal(nearest('quarantine', known), undefined);
  assert.equal(nearest('x'.repeat(5000), known), undefined);
  assert.equal(nearest('anything', []), undefined);
});
