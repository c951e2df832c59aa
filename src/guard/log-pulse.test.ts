import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../model/event.ts';
import type { Event, ServerName } from '../model/event.ts';
import { createLogPulse, logPulseBytes } from './log-pulse.ts';

const helo = (server: ServerName): Event => draftEvent(0, server, 'helo');

test('a log is fresh for a while after it spoke, each on its own', () => {
  const memory = new SharedArrayBuffer(logPulseBytes);
  let now = 0;
  const main = createLogPulse(memory, () => now);
  const thread = createLogPulse(memory, () => now);
  assert.equal(thread.isFresh(helo('postfix')), false, 'it has never spoken');
  main.beat(helo('postfix'));
  assert.equal(thread.isFresh(helo('postfix')), true);
  assert.equal(thread.isFresh(helo('gate')), false, 'another one has no log');
  now = 29;
  assert.equal(thread.isFresh(helo('postfix')), true);
  now = 30;
  assert.equal(thread.isFresh(helo('postfix')), false);
  main.beat(helo('postfix'));
  assert.equal(thread.isFresh(helo('postfix')), true);
});

test('connections are sent until a log tells of one; a refused one is no such', () => {
  const memory = new SharedArrayBuffer(logPulseBytes);
  const pulse = createLogPulse(memory, () => 0);
  const connect = draftEvent(0, 'exim', 'connect');
  pulse.beat(helo('exim'));
  pulse.beat({ ...connect, outcome: 'deferred' });
  assert.deepEqual([pulse.isFresh(helo('exim')), pulse.isFresh(connect)], [true, false]);
  pulse.beat(connect);
  assert.equal(pulse.isFresh(connect), true);
});
