/** The verbs for queue files, on files: what is kept, removed and put back, and what a crash or a stranger does to it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../model/fault.ts';
import type { CarryOut } from '../model/verb.ts';
import { createAllowance } from './allowance.ts';
import { createCarryOut } from './carry-out.ts';

type Scene = { readonly folder: string; readonly evidence: string; readonly carryOut: CarryOut };

const onScene = async (play: (scene: Scene) => Promise<void>): Promise<void> => {
  const top = mkdtempSync(join(tmpdir(), 'postern-evidence-'));
  const folder = join(top, 'spool');
  mkdirSync(folder);
  mkdirSync(join(top, 'evidence'));
  try {
    const carryOut = createCarryOut(createAllowance({ roots: [{ path: top }] }));
    await play({ folder, evidence: join(top, 'evidence/one.evidence'), carryOut });
  } finally {
    rmSync(top, { recursive: true });
  }
};

const bytes = Buffer.from(Array.from({ length: 600_000 }, (_, at) => (at * 7) % 256));

test('kept, removed, put back: bytes, rights and time as they were; missing ones are said', async () => {
  await onScene(async ({ folder, evidence, carryOut }) => {
    const [large, small, none] = ['large', 'small', 'none'].map((name) => join(folder, name));
    assert.ok(large !== undefined && small !== undefined && none !== undefined);
    writeFileSync(large, bytes);
    chmodSync(large, 0o640);
    writeFileSync(small, '');
    const before = statSync(large);
    const paths = [large, none, small];
    assert.deepEqual(await carryOut({ verb: 'keep-files', evidence, paths, notes: [['why', 'because']] }), [
      true,
      false,
      true,
    ]);
    assert.deepEqual(await carryOut({ verb: 'remove-kept', evidence, paths: [large, small] }), [true, true]);
    const looked = await carryOut({ verb: 'look-files', paths, startBytes: 10 });
    assert.deepEqual(looked, [undefined, undefined, undefined]);
    const again = { verb: 'restore-kept', evidence, paths, unlessNoted: 'restored' } as const;
    assert.deepEqual(await carryOut(again), { count: 2, note: undefined });
    assert.deepEqual(readFileSync(large), bytes);
    const after = statSync(large);
    assert.deepEqual([after.mode, after.uid, after.size], [before.mode, before.uid, before.size]);
    assert.ok(Math.abs(after.mtimeMs - before.mtimeMs) < 1);
    assert.deepEqual(await carryOut(again), { count: 0, note: undefined }, 'what is there is not written over');
    unlinkSync(large);
    assert.deepEqual(await carryOut({ ...again, unlessNoted: 'why' }), { count: 0, note: 'because' });
    const [found] = await carryOut({ verb: 'look-files', paths: [small], startBytes: 10 });
    assert.deepEqual([found?.sizeBytes, found?.start, found?.isBusy], [0, '', false]);
  });
});

test('what is not as it was kept is not removed', async () => {
  await onScene(async ({ folder, evidence, carryOut }) => {
    const paths = ['changed', 'grown', 'unknown'].map((name) => join(folder, name));
    for (const path of paths) writeFileSync(path, 'text');
    await carryOut({ verb: 'keep-files', evidence, paths: paths.slice(0, 2), notes: [] });
    writeFileSync(paths[0] ?? '', 'TEXT');
    appendFileSync(paths[1] ?? '', '!');
    assert.deepEqual(await carryOut({ verb: 'remove-kept', evidence, paths }), [false, false, false]);
    for (const path of paths) assert.ok(statSync(path).size >= 4);
  });
});

test('evidence that a crash has cut anywhere keeps what is whole, and goes on from there', async () => {
  await onScene(async ({ folder, evidence, carryOut }) => {
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    writeFileSync(first, 'first text');
    writeFileSync(second, 'second text');
    await carryOut({ verb: 'keep-files', evidence, paths: [first], notes: [] });
    const one = readFileSync(evidence);
    await carryOut({ verb: 'keep-files', evidence, paths: [second], notes: [] });
    const two = readFileSync(evidence);
    assert.deepEqual(two.subarray(0, one.length), one, 'it only grows');
    for (const path of [first, second]) unlinkSync(path);
    for (let end = one.length; end <= two.length; end++) {
      writeFileSync(evidence, two.subarray(0, end));
      const paths = [first, second];
      const { count } = await carryOut({ verb: 'restore-kept', evidence, paths, unlessNoted: 'x' });
      assert.equal(count, end === two.length ? 2 : 1, `cut at ${end}`);
      writeFileSync(second, 'second text');
      await carryOut({ verb: 'keep-files', evidence, paths: [second], notes: [] });
      for (const path of paths) unlinkSync(path);
      assert.equal(
        (await carryOut({ verb: 'restore-kept', evidence, paths, unlessNoted: 'x' })).count,
        2,
        `cut at ${end}`,
      );
      for (const path of paths) unlinkSync(path);
    }
    const damaged = Buffer.from(two);
    damaged[one.length - 70] = 0;
    writeFileSync(evidence, damaged);
    await assert.rejects(
      carryOut({ verb: 'restore-kept', evidence, paths: [first], unlessNoted: 'x' }),
      /the evidence of it is damaged/,
    );
    // A head that is no head any more is not cut off with all that follows it.
    damaged[20] = 0;
    writeFileSync(evidence, damaged);
    await assert.rejects(carryOut({ verb: 'keep-files', evidence, paths: [], notes: [] }), /is damaged at byte/);
    assert.equal(statSync(evidence).size, two.length);
  });
});

test('what a helper left that was killed while it put a file back goes when it is put back again', async () => {
  await onScene(async ({ folder, evidence, carryOut }) => {
    const path = join(folder, 'message');
    writeFileSync(path, 'text');
    await carryOut({ verb: 'keep-files', evidence, paths: [path], notes: [] });
    // Killed after it gave the file its name, before it took the other one away.
    linkSync(path, join(folder, '.message.postern'));
    const again = { verb: 'restore-kept', evidence, paths: [path], unlessNoted: 'x' } as const;
    assert.equal((await carryOut(again)).count, 0);
    assert.deepEqual([readdirSync(folder), statSync(path).nlink], [['message'], 1]);
  });
});

test('forged evidence makes no file that runs as its owner', async () => {
  await onScene(async ({ folder, evidence, carryOut }) => {
    const path = join(folder, 'message');
    writeFileSync(path, '#!/bin/sh');
    chmodSync(path, 0o4755);
    await carryOut({ verb: 'keep-files', evidence, paths: [path], notes: [] });
    unlinkSync(path);
    const restore = { verb: 'restore-kept', evidence, paths: [path], unlessNoted: 'x' } as const;
    await assert.rejects(carryOut(restore), /runs as its owner/);
    assert.deepEqual(readdirSync(folder), []);
  });
});

test('links, other places, other files and crowds are refused', async () => {
  await onScene(async ({ folder, evidence, carryOut }) => {
    const link = join(folder, 'link');
    symlinkSync('/etc/passwd', link);
    for (const paths of [
      [link],
      ['/etc/shadow'],
      [`${folder}/../../etc/passwd`],
      Array.from({ length: 5001 }, () => link),
    ])
      await assert.rejects(carryOut({ verb: 'keep-files', evidence, paths, notes: [] }), Fault);
    await assert.rejects(carryOut({ verb: 'look-files', paths: [link], startBytes: 1 }), Fault);
    const other = join(folder, 'other');
    writeFileSync(other, 'no evidence, but somebody’s file that is long enough');
    await assert.rejects(carryOut({ verb: 'keep-files', evidence: other, paths: [], notes: [] }), /no evidence file/);
    assert.ok(readFileSync(other, 'utf8').startsWith('no evidence'));
    writeFileSync(other, 'short');
    await assert.rejects(carryOut({ verb: 'keep-files', evidence: other, paths: [], notes: [] }), /no evidence file/);
    assert.equal(readFileSync(other, 'utf8'), 'short');
    // A head that leads back to itself.
    await carryOut({ verb: 'keep-files', evidence, paths: [], notes: [['why', 'because']] });
    appendFileSync(evidence, '{"note":"x","bytes":-91}\n');
    await assert.rejects(carryOut({ verb: 'keep-files', evidence, paths: [], notes: [] }), /is damaged at byte/);
  });
});

const whileLocked = async (path: string, work: () => Promise<void>): Promise<void> => {
  const holder = spawn('flock', ['-x', path, 'sh', '-c', 'echo ready; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(holder, 'exit');
  await once(holder.stdout, 'data');
  try {
    await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
};

const busyOf = async (paths: readonly string[], carryOut: CarryOut): Promise<readonly (boolean | undefined)[]> =>
  (await carryOut({ verb: 'look-files', paths, startBytes: 0 })).map((looked) => looked?.isBusy);

test('a file that somebody holds a lock on is busy', async () => {
  await onScene(async ({ folder, carryOut }) => {
    const path = join(folder, 'locked');
    writeFileSync(path, 'x');
    await whileLocked(path, async () => assert.deepEqual(await busyOf([path], carryOut), [true]));
    assert.deepEqual(await busyOf([path], carryOut), [false]);
  });
});
