import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogPulse, logPulseBytes } from './log-pulse.ts';

test('a log is fresh for a while after it spoke, each on its own', () => {
  const memory = new SharedArrayBuffer(logPulseBytes);
  let now = 0;
  const main = createLogPulse(memory, () => now);
  const thread = createLogPulse(memory, () => now);
  assert.equal(thread.isFresh('postfix'), false, 'it has never spoken');
  main.beat('postfix');
  assert.equal(thread.isFresh('postfix'), true);
  assert.equal(thread.isFresh('gate'), false, 'another one has no log');
  now = 29;
  assert.equal(thread.isFresh('postfix'), true);
  now = 30;
  assert.equal(thread.isFresh('postfix'), false);
  main.beat('postfix');
  assert.equal(thread.isFresh('postfix'), true);
});
