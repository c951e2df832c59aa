/** A disk that is full: said, nothing half done, nothing lost, and all goes on when there is room again. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { perform } from '../../src/act/perform.ts';
import { openDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import { Fault } from '../../src/model/fault.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { labClosed } from '../servers/lab/door.ts';
import { fill } from './full-disk.ts';
import { twoFiles } from './two-files.ts';

const order = { who: 'test', why: 'test', until: undefined, incident: undefined };
const partly = (error: unknown): boolean => error instanceof Fault && error.code === 'PARTLY_DONE';

test('full where the file lies, then full where the ledger lies', { skip: labClosed }, async () => {
  const top = mkdtempSync(join(tmpdir(), 'postern-full-'));
  const [small, large] = [join(top, 'small'), join(top, 'large')];
  for (const folder of [small, large]) mkdirSync(folder);
  await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0755', 'tmpfs', small]);
  try {
    const filled = join(small, 'filled');
    for (const { folder, state } of [
      { folder: small, state: join(large, 'state') },
      { folder: large, state: join(small, 'state') },
    ]) {
      for (const name of ['one', 'two']) writeFileSync(join(folder, name), 'before');
      const carryOut = createCarryOut(createAllowance({ roots: [{ path: folder }] }));
      const desk = openDesk(state, { carryOut, deeds: new Map([['setup', twoFiles]]) });
      fill(filled);
      const text = 'x'.repeat(40_000);
      await assert.rejects(perform(twoFiles, { folder, text }, order, desk), partly);
      for (const name of ['one', 'two']) assert.equal(readFileSync(join(folder, name), 'latin1'), 'before');
      assert.ok(readdirSync(folder).every((name) => !name.endsWith('.postern')));
      rmSync(filled);
      const { receipt } = await perform(twoFiles, { folder, text }, order, desk);
      assert.equal(receipt?.state, 'done');
      assert.equal(readFileSync(join(folder, 'two'), 'latin1'), text);
      desk.close();
    }
  } finally {
    await runCommand('umount', ['-l', small]);
    rmSync(top, { recursive: true });
  }
});
