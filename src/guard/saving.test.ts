/** Two snapshots on their way at once: what is in the file in the end is the newer one. */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Fault } from '../model/fault.ts';
import { startSaving } from './saving.ts';
import { readSnapshot } from './snapshot.ts';

test('an older state never replaces a newer one, however long it takes to write', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-saving-'));
  const file = join(folder, 'guard.snapshot');
  const memory = new SharedArrayBuffer(32 * 1024 * 1024);
  const bytes = new Uint8Array(memory);
  let seed = 0;
  const saving = startSaving(
    file,
    memory,
    () => ({ version: 2, seed: ++seed, started: 0, positions: {} }),
    (text) => assert.fail(text),
  );
  try {
    // What cannot be compressed takes long, what is nearly empty is written at once.
    for (let at = 0; at < bytes.length; at += 65_536) randomFillSync(bytes.subarray(at, at + 65_536));
    const first = saving.now();
    await nextTurn();
    assert.equal(seed, 1, 'the first one is being written');
    bytes.fill(0);
    const [second, third] = [saving.now(), saving.now()];
    await Promise.all([first, second, third]);
    const kept = await readSnapshot(file);
    assert.equal(kept?.snapshot.seed, 2, 'the newer one; those who wanted another meanwhile share it');
    assert.ok(kept.memory.every((byte) => byte === 0));
  } finally {
    await saving.stop();
    rmSync(folder, { recursive: true });
  }
});

test('a snapshot that cannot be read is not taken for none: the next one would replace it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-saving-'));
  const file = join(folder, 'guard.snapshot');
  try {
    assert.equal(await readSnapshot(file), undefined);
    mkdirSync(file);
    await assert.rejects(readSnapshot(file), (error) => error instanceof Fault && error.message.includes(file));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a snapshot that cannot be put in its place is said, and does not stay beside it on a full disk', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-saving-'));
  const file = join(folder, 'guard.snapshot');
  const problems: string[] = [];
  const saving = startSaving(
    file,
    new SharedArrayBuffer(1024),
    () => ({ version: 2, seed: 1, started: 0, positions: {} }),
    (text) => problems.push(text),
  );
  try {
    mkdirSync(join(file, 'in-its-place'), { recursive: true });
    await saving.now();
    assert.equal(problems.length, 1);
    assert.deepEqual(readdirSync(folder), ['guard.snapshot']);
  } finally {
    await saving.stop();
    rmSync(folder, { recursive: true });
  }
});
