/** The helper dies (SIGKILL) at any verb of a deed or of its undo: it is said, and with another helper all is wholly done or as before. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { accessEntry } from '../../src/act/access-entry.ts';
import { perform } from '../../src/act/perform.ts';
import { recover, undo } from '../../src/act/recover.ts';
import { askHelper } from '../../src/helper/ask.ts';
import { Fault } from '../../src/model/fault.ts';
import type { CarryOut } from '../../src/model/verb.ts';
import { labClosed } from '../servers/lab/door.ts';
import { layConfig } from '../servers/lab/machine.ts';
import { deskAt, keptFile } from './every/row.ts';
import { atEveryStep } from './killed.ts';
import type { Blow } from './killed.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const order = { who: 'test', why: 'test', until: undefined, incident: undefined };

test('a helper that is killed in the middle', { skip: labClosed }, async () => {
  const path = `${layConfig('exim4')}/refused-hosts`;
  writeFileSync(path, '# our own\n');
  const before = keptFile(path);
  const wanted = { format: 'exim-iplsearch', path, subject: '203.0.113.7', tag: 'Connect', value: undefined };
  const folder = mkdtempSync(join(tmpdir(), 'postern-helper-'));
  const socket = join(folder, 'helper.sock');
  writeFileSync(join(folder, 'postern.yaml'), `state: ${folder}/var\n`);
  let helper: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const args = [main, 'helper', '--user', 'root', '--socket', socket, '--config', join(folder, 'postern.yaml')];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    helper = child;
    await once(child.stdout, 'data');
  };
  const kill = async (): Promise<void> => {
    const child = helper;
    if (child === undefined) return;
    helper = undefined;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  const ask = askHelper(socket);
  const killingAt = (blow: Blow): CarryOut => {
    let count = 0;
    return async (verb) => {
      const isIt = count++ === blow.verb;
      if (isIt && blow.when === 'before') await kill();
      const answer = await ask(verb);
      if (isIt) await kill();
      return answer;
    };
  };
  const desk = deskAt(folder, ask);
  /** @returns true when the helper was killed; whoever acted was told, or had no more to ask. */
  const struck = async (work: () => Promise<unknown>): Promise<boolean> => {
    await work().catch((error: unknown) => {
      assert.ok(error instanceof Fault && /helper at .* is not there/.test(error.message), String(error));
    });
    return helper === undefined;
  };
  const mended = async (): Promise<void> => {
    if (helper === undefined) await start();
    for (const { failed, text } of await recover(desk)) assert.ok(!failed, text);
    assert.deepEqual(desk.receipts.inState('open', 'undoing'), []);
  };
  try {
    await start();
    const outcomes = new Set<string>();
    const blows = await atEveryStep(async (blow) => {
      const known = desk.receipts.latest(1)[0]?.id;
      const killed = await struck(() => perform(accessEntry, wanted, order, { ...desk, carryOut: killingAt(blow) }));
      await mended();
      const [latest] = desk.receipts.latest(1);
      const receipt = latest?.id === known ? undefined : latest;
      outcomes.add(receipt?.state ?? 'none');
      if (receipt?.state === 'done') await undo([receipt.id], 'test', desk);
      assert.deepEqual(keptFile(path), before, `${blow.when} verb ${blow.verb}`);
      return killed;
    });
    assert.ok(blows >= 6 && outcomes.has('done'), `${blows} blows: ${[...outcomes].join(' ')}`);
    const undoBlows = await atEveryStep(async (blow) => {
      const { receipt } = await perform(accessEntry, wanted, order, desk);
      const killed = await struck(() => undo([receipt?.id ?? ''], 'test', { ...desk, carryOut: killingAt(blow) }));
      await mended();
      assert.equal(desk.receipts.get(receipt?.id ?? '')?.state, 'undone');
      assert.deepEqual(keptFile(path), before, `undo: ${blow.when} verb ${blow.verb}`);
      return killed;
    });
    assert.ok(undoBlows >= 2, `${undoBlows} blows`);
  } finally {
    await kill();
    desk.close();
    rmSync(folder, { recursive: true });
  }
});
