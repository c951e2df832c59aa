import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { draftEvent } from '../../model/event.ts';
import type { Event } from '../../model/event.ts';
import { loggedFile, loggedOf } from './heard.ts';
import { proveLogged, readsMarked } from './logged.ts';
import { makeProbe, probeKey } from './probe.ts';

const scene = (t: { after: (end: () => void) => void }) => {
  const state = mkdtempSync(join(tmpdir(), 'postern-logged-'));
  t.after(() => rmSync(state, { recursive: true }));
  const key = probeKey(state);
  return { key, file: loggedFile(state), probe: makeProbe(key, 'milter', 'recipient'), began: Date.now() };
};
const refusal = (more: Partial<Event>): Event => ({
  ...draftEvent(Date.now(), 'sendmail', 'recipient'),
  outcome: 'deferred',
  ...more,
});

test('a line under our name is noted, and no evidence', async (t) => {
  const { key, file, probe, began } = scene(t);
  assert.ok(readsMarked(key, file, refusal({ helo: probe.name })));
  assert.deepEqual(
    loggedOf(file, probe.nonce).map(({ server }) => server),
    ['sendmail'],
  );
  assert.equal((await proveLogged('milter-logged', file, { probe, began })).state, 'proven');
});

test('a line in our words proves that it was read; it stays evidence, as anybody may have said them', async (t) => {
  const { key, file, probe, began } = scene(t);
  assert.ok(!readsMarked(key, file, refusal({ text: `450 4.7.1 ${probe.words}`, outcome: 'rejected' })));
  assert.deepEqual(loggedOf(file, probe.nonce), [], 'we never say so for good');
  assert.ok(!readsMarked(key, file, refusal({ text: `450 4.7.1 ${probe.words}` })));
  assert.equal((await proveLogged('milter-logged', file, { probe, began })).state, 'proven');
});

test('a log in another zone is told apart from one that is not read', async (t) => {
  const { key, file, probe, began } = scene(t);
  assert.ok(!readsMarked(key, file, refusal({ text: probe.words, time: began - 3_600_000 })));
  const off = await proveLogged('milter-logged', file, { probe, began });
  assert.equal(off.state, 'wrong');
  assert.match(off.words, /3600 s off/);
  const other = makeProbe(key, 'milter', 'recipient');
  assert.equal((await proveLogged('milter-logged', file, { probe: other, began })).state, 'not-proven');
  assert.equal((await proveLogged('milter-logged', file, undefined)).state, 'not-proven');
});

test('a note that cannot be written ends nothing', (t) => {
  const { key, probe } = scene(t);
  assert.ok(readsMarked(key, '/proc/no/such/file', refusal({ helo: probe.name })));
});
