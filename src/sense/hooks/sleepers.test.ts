import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSleepers } from './sleepers.ts';

test('who wakes makes room', () => {
  const sleepers = createSleepers(2);
  assert.equal(sleepers.admit(0, 1000), true);
  assert.equal(sleepers.admit(0, 2000), true);
  assert.equal(sleepers.admit(999, 1000), false);
  assert.equal(sleepers.admit(1000, 1000), true);
  assert.equal(sleepers.admit(1000, 1000), false);
});
