/** Queue files on file systems of their own: who is being delivered there, and one that has no room for what is put back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import type { CarryOut } from '../../src/model/verb.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { labClosed } from '../servers/lab/door.ts';
import { fill } from './full-disk.ts';

type Scene = { readonly top: string; readonly disks: readonly [string, string]; readonly carryOut: CarryOut };

const onTwoDisks = async (play: (scene: Scene) => Promise<void>): Promise<void> => {
  const top = mkdtempSync(join(tmpdir(), 'postern-disks-'));
  const disks = [join(top, 'one'), join(top, 'two')] as const;
  for (const disk of disks) {
    mkdirSync(disk);
    await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0755', 'tmpfs', disk]);
  }
  try {
    await play({ top, disks, carryOut: createCarryOut(createAllowance({ roots: [{ path: top }] })) });
  } finally {
    for (const disk of disks) await runCommand('umount', ['-l', disk]);
    rmSync(top, { recursive: true });
  }
};

test(
  'a lock on one file system does not make a file of the same number on another one busy',
  { skip: labClosed },
  async () => {
    await onTwoDisks(async ({ disks, carryOut }) => {
      const paths = disks.map((disk) => join(disk, 'message'));
      for (const path of paths) writeFileSync(path, 'x');
      const [one, two] = paths.map((path) => statSync(path));
      assert.equal(one?.ino, two?.ino, 'each file system counts for itself');
      const busy = async (): Promise<unknown> =>
        (await carryOut({ verb: 'look-files', paths, startBytes: 0 })).map((looked) => looked?.isBusy);
      const holder = spawn('flock', ['-x', paths[0] ?? '', 'sh', '-c', 'echo ready; cat'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const ended = once(holder, 'exit');
      await once(holder.stdout, 'data');
      assert.deepEqual(await busy(), [true, false]);
      holder.stdin.end();
      await ended;
      assert.deepEqual(await busy(), [false, false]);
    });
  },
);

test('a message that a full disk takes only the beginning of is not put back at all', { skip: labClosed }, async () => {
  await onTwoDisks(async ({ disks, carryOut }) => {
    const [spool, other] = disks;
    const [path, evidence] = [join(spool, 'message'), join(other, 'evidence')];
    const bytes = Buffer.alloc(200_000, 'text of a mail\n');
    writeFileSync(path, bytes);
    await carryOut({ verb: 'keep-files', evidence, paths: [path], notes: [] });
    assert.deepEqual(await carryOut({ verb: 'remove-kept', evidence, paths: [path] }), [true]);
    const [room, filled] = [join(spool, 'room'), join(spool, 'filled')];
    writeFileSync(room, Buffer.alloc(100_000));
    fill(filled);
    rmSync(room);
    const restore = { verb: 'restore-kept', evidence, paths: [path], unlessNoted: 'restored' } as const;
    await assert.rejects(carryOut(restore), /ENOSPC/);
    assert.deepEqual(readdirSync(spool), ['filled']);
    rmSync(filled);
    assert.deepEqual(await carryOut(restore), { count: 1, note: undefined });
    assert.deepEqual(readFileSync(path), bytes);
  });
});
