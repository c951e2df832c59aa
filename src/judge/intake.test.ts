import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../model/event.ts';
import { createClock, createIntake } from './intake.ts';

const now = Date.UTC(2026, 10, 21);
const day = 86_400_000;
const year = 365 * day;

test('one or two lines with a wrong clock move nothing, three in a row do', () => {
  const clock = createClock();
  const rows = [
    [now, now],
    [now + 10 * year, now],
    [now + 10 * year, now],
    [now + 1000, now + 1000],
    [now + 10 * year, now + 1000],
    [now - year, now + 1000],
    [now - year + 1, now + 1000],
    [now - year + 2, now - year + 2],
  ] as const;
  for (const [told, believed] of rows) assert.equal(clock(told), believed);
});

test('a pause of a month is a step like any other', () => {
  const clock = createClock();
  clock(now);
  assert.equal(clock(now + 30 * day), now + 30 * day);
  assert.equal(clock(now + 60 * day + 1), now + 30 * day);
});

test('what is no time is now', () => {
  const clock = createClock();
  clock(now);
  for (const time of [Number.NaN, -1, Infinity, -Infinity, 2 ** 53]) assert.equal(clock(time), now);
  assert.equal(createClock()(Number.NaN), 0);
});

test('a plain event passes as it is, an endless name is cut, an odd count is brought to bounds', () => {
  const intake = createIntake();
  const plain = { ...draftEvent(now, 'postfix', 'auth'), account: 'anna', count: 3 };
  assert.equal(intake(plain), plain);
  const endless = 'a'.repeat(1_000_000);
  for (const field of ['account', 'sender', 'recipient', 'origin', 'user', 'password', 'helo', 'queueId'] as const)
    assert.equal(intake({ ...plain, [field]: endless })[field]?.length, 320, field);
  for (const [told, kept] of [
    [0, 1],
    [-5, 1],
    [Number.NaN, 1],
    [1e12, 1_000_000],
  ] as const)
    assert.equal(intake({ ...plain, count: told }).count, kept);
});
