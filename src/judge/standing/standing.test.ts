import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../../model/event.ts';
import { createTable } from '../statistics/table.ts';
import { isFlooding, markFlooding, shutOutSeconds } from './flood.ts';
import { convict, hostileUntil } from './hostile.ts';
import { hasComeBack, isPutOff, rememberPutOff } from './put-off.ts';

const day = 86_400;
const start = Date.UTC(2026, 10, 21) / 1000;
const newTable = () => createTable(new SharedArrayBuffer(64 * 1024), 64 * 1024, 7);

test('each conviction within 30 days is longer; one that still runs is only prolonged', () => {
  const table = newTable();
  assert.equal(hostileUntil(table, 'a', start), 0);
  const terms = [0, 1, 2, 3, 40].map((days) => convict(table, 'a', start + days * day) - (start + days * day));
  assert.deepEqual(terms, [3600, 4 * 3600, day, 7 * day, 3600]);
  assert.equal(convict(table, 'a', start + 40 * day + 60), start + 40 * day + 60 + 3600);
  assert.equal(hostileUntil(table, 'b', start), 0);
});

test('a clock that was weeks ahead convicts and turns away nobody for weeks', () => {
  const table = newTable();
  convict(table, 'a', start + 29 * day);
  markFlooding(table, 'a', start + 29 * day);
  assert.deepEqual([hostileUntil(table, 'a', start), isFlooding(table, 'a', start)], [0, false]);
  assert.equal(convict(table, 'a', start), start + 4 * 3600);
  assert.equal(hostileUntil(table, 'a', start), start + 4 * 3600);
  assert.equal(markFlooding(table, 'a', start), true);
});

test('a flooder is turned away for a minute at a time, and told of once an hour', () => {
  const table = newTable();
  assert.equal(isFlooding(table, 'a', start), false);
  assert.equal(markFlooding(table, 'a', start), true);
  assert.equal(markFlooding(table, 'a', start + 30), false);
  assert.deepEqual([isFlooding(table, 'a', start + 89), isFlooding(table, 'a', start + 90)], [true, false]);
  assert.equal(markFlooding(table, 'a', start + shutOutSeconds - 1), false);
  assert.equal(markFlooding(table, 'a', start + shutOutSeconds), true);
});

test('who was put off may come back five minutes later, for five days', () => {
  const table = newTable();
  rememberPutOff(table, 'n', start);
  rememberPutOff(table, 'n', start + 200);
  assert.deepEqual([hasComeBack(table, 'n', start + 299), hasComeBack(table, 'n', start + 300)], [false, true]);
  assert.equal(hasComeBack(table, 'n', start + 5 * day + 200), true);
  assert.equal(hasComeBack(table, 'n', start + 6 * day), false, 'what it met last month buys it nothing');
  rememberPutOff(table, 'n', start + 7 * day);
  assert.equal(hasComeBack(table, 'n', start + 7 * day + 299), false, 'it had given up');
  const told = (kind: 'recipient' | 'sender', reason: 'policy' | 'dns') =>
    isPutOff({ ...draftEvent(0, 'postfix', kind), outcome: 'deferred', reason });
  for (const kind of ['recipient', 'sender'] as const)
    assert.deepEqual([told(kind, 'policy'), told(kind, 'dns')], [true, false]);
  assert.equal(isPutOff(draftEvent(0, 'postfix', 'recipient')), false);
});
