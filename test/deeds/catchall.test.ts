/** Killed at every step, a catch-all is wholly locked or wholly as it was, in the map's source and in what was built of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { catchAllLock } from '../../src/act/catchall-lock.ts';
import type { CatchAllWanted } from '../../src/act/catchall-lock.ts';
import { perform } from '../../src/act/perform.ts';
import { recover, undo } from '../../src/act/recover.ts';
import { openDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { labClosed } from '../servers/lab/door.ts';
import { layConfig } from '../servers/lab/machine.ts';
import type { CatchAllScript } from './catchall-scene.ts';
import { atEveryStep, isKilled } from './killed.ts';

const scene = new URL('./catchall-scene.ts', import.meta.url);

type Kept = { readonly bytes: string; readonly mode: number; readonly modified: bigint };
const keptOf = (path: string): Kept => {
  const { mode, mtimeNs } = statSync(path, { bigint: true });
  return { bytes: readFileSync(path, 'latin1'), mode: Number(mode), modified: mtimeNs };
};

test('killed at every step of a lock and of its restore', { skip: labClosed }, async () => {
  const path = `${layConfig('postfix')}/virtual`;
  await runCommand('postmap', [`hash:${path}`]);
  const before = keptOf(path);
  const wanted: CatchAllWanted = {
    path,
    format: 'postfix-map',
    fileDomain: '',
    map: 'postfix-hash',
    domains: undefined,
  };
  const answers = (): Promise<boolean> =>
    runCommand('postmap', ['-q', '@catchall.test', `hash:${path}`]).then(
      () => true,
      () => false,
    );
  assert.ok(await answers(), 'there is a catch-all');
  const state = mkdtempSync(join(tmpdir(), 'postern-catchall-'));
  const desk = openDesk(state, { carryOut: createCarryOut(createAllowance()) });
  try {
    const blows = await atEveryStep(async (blow) => {
      const killed = await isKilled(scene, { state, wanted, undo: null, blow } satisfies CatchAllScript);
      await recover(desk);
      const [receipt] = desk.receipts.latest(1);
      assert.equal(await answers(), receipt?.state !== 'done');
      if (receipt?.state === 'done') await undo([receipt.id], 'test', desk);
      assert.deepEqual(keptOf(path), before);
      return killed;
    });
    assert.ok(blows >= 8, `${blows} blows`);
    const order = { who: 'test', why: 'test', until: undefined, incident: undefined };
    const undoBlows = await atEveryStep(async (blow) => {
      const { receipt } = await perform(catchAllLock, wanted, order, desk);
      assert.ok(receipt !== undefined && !(await answers()));
      const killed = await isKilled(scene, { state, wanted, undo: receipt.id, blow } satisfies CatchAllScript);
      await recover(desk);
      assert.equal(desk.receipts.get(receipt.id)?.state, 'undone');
      assert.ok(await answers());
      assert.deepEqual(keptOf(path), before);
      return killed;
    });
    assert.ok(undoBlows >= 4, `${undoBlows} blows`);
  } finally {
    desk.close();
    rmSync(state, { recursive: true });
  }
});
