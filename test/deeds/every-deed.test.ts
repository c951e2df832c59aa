/**
 * Every deed on every real thing it knows: done and verified, ended by its time, undone to the byte, and killed (SIGKILL)
 * before and after each verb of the deed and of its undo. The rows are in `every/`; each asks the real thing itself.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { allDeeds } from '../../src/act/all.ts';
import { recover, undo } from '../../src/act/recover.ts';
import type { OpenDesk } from '../../src/guard/desk.ts';
import type { Memory, Receipt } from '../../src/model/receipt.ts';
import { labClosed } from '../servers/lab/door.ts';
import { deskAt } from './every/row.ts';
import type { Row, Stage } from './every/row.ts';
import { rows } from './every/rows.ts';
import type { Script } from './every/scene.ts';
import { atEveryStep, isKilled } from './killed.ts';

const scene = new URL('./every/scene.ts', import.meta.url);
const hourMs = 3600_000;

type Scene = {
  readonly row: Row;
  readonly state: string;
  readonly desk: OpenDesk;
  /** @throws unless the real thing says so */
  readonly shows: (expected: boolean, when: string) => Promise<void>;
  /** @throws unless everything is as it was at the start */
  readonly isAsBefore: (when: string) => Promise<void>;
  readonly rest?: (() => void) | undefined;
};

const sceneOf = async (row: Row, stage: Stage, state: string, desk: OpenDesk): Promise<Scene> => {
  const atStart = await stage.kept();
  return {
    row,
    state,
    desk,
    shows: async (expected, when) => {
      for (let attempt = 1; attempt < (stage.attemptsMax ?? 1); attempt++)
        if ((await stage.counts(desk)) === expected) return;
      assert.equal(await stage.counts(desk), expected, when);
    },
    isAsBefore: async (when) => assert.deepEqual(await stage.kept(), atStart, when),
  };
};

const done = async ({ row, state, desk }: Scene, until?: number): Promise<Receipt> => {
  const { receipt } = await row.perform(desk, state, until);
  return receipt ?? assert.fail('nothing was done');
};

const verified = async ({ row, desk }: Scene, memory: Memory): Promise<boolean> =>
  (await allDeeds.get(row.kind)?.verify(memory, desk.carryOut))?.took ?? assert.fail(`no deed ${row.kind}`);

const doneVerifiedUndone = async (played: Scene): Promise<void> => {
  const { row, desk, shows, isAsBefore } = played;
  await shows(false, 'before');
  const { id, memory } = await done(played);
  await shows(true, 'done');
  assert.equal(await verified(played, memory), true);
  assert.equal(await undo([id], 'test', desk), '', 'nothing is kept');
  await shows(false, 'undone');
  if (!row.isReceipt) assert.equal(await verified(played, memory), false);
  await isAsBefore('undone');
};

const endedByItsTime = async (played: Scene): Promise<void> => {
  const { desk, shows, isAsBefore } = played;
  const { id } = await done(played, Date.now() + hourMs);
  assert.deepEqual(await recover(desk), []);
  await shows(true, 'before its end');
  const [mended] = await recover({ ...desk, now: () => Date.now() + hourMs });
  assert.deepEqual([mended?.receipt.id, mended?.text, mended?.failed], [id, 'its time was over', false]);
  await shows(false, 'after its end');
  await isAsBefore('after its end');
};

const killedWhileDone = async ({ row, state, desk, shows, isAsBefore, rest }: Scene): Promise<void> => {
  const outcomes = new Set<string>();
  const blows = await atEveryStep(async (blow) => {
    const when = `killed ${blow.when} verb ${blow.verb} of the deed`;
    const known = desk.receipts.latest(1)[0]?.id;
    const killed = await isKilled(scene, { name: row.name, state, undo: null, blow } satisfies Script);
    for (const { failed, text } of await recover(desk)) assert.ok(!failed, `${when}: ${text}`);
    const [latest] = desk.receipts.latest(1);
    const receipt = latest?.id === known ? undefined : latest;
    outcomes.add(receipt?.state ?? 'none');
    assert.deepEqual(desk.receipts.inState('open', 'undoing'), [], when);
    await shows(receipt?.state === 'done', when);
    if (receipt?.state === 'done') await undo([receipt.id], 'test', desk);
    await isAsBefore(when);
    rest?.();
    return killed;
  });
  assert.ok(outcomes.has('done'), [...outcomes].join(' '));
  if (!row.isReceipt) assert.ok(blows >= 2 && outcomes.size >= 2, `${blows} blows: ${[...outcomes].join(' ')}`);
};

const killedWhileUndone = async (played: Scene): Promise<void> => {
  const { row, desk, shows, isAsBefore, rest } = played;
  const outcomes = new Set<string>();
  const blows = await atEveryStep(async (blow) => {
    const when = `killed ${blow.when} verb ${blow.verb} of the undo`;
    const { id } = await done(played);
    const killed = await isKilled(scene, { name: row.name, state: played.state, undo: id, blow } satisfies Script);
    for (const { failed, text } of await recover(desk)) assert.ok(!failed, `${when}: ${text}`);
    const state = desk.receipts.get(id)?.state ?? 'none';
    outcomes.add(state);
    // It had only looked whether it may: nothing was begun.
    if (state === 'done') {
      await shows(true, when);
      await undo([id], 'test', desk);
    } else assert.equal(state, 'undone', when);
    await shows(false, when);
    await isAsBefore(when);
    rest?.();
    return killed;
  });
  assert.ok(outcomes.has('undone'), [...outcomes].join(' '));
  if (!row.isReceipt) assert.ok(blows >= 2, `${blows} blows`);
};

// Compiled once; there is no such row.
before(() => assert.rejects(isKilled(scene, { name: '', state: '' }), /there is no row/));

for (const row of rows) {
  test(`${row.kind}, ${row.name}: done, ended, undone, killed at every step`, { skip: labClosed }, async () => {
    await using stage = await row.start();
    const state = mkdtempSync(join(tmpdir(), 'postern-deed-'));
    const desk = deskAt(state);
    try {
      const played = await sceneOf(row, stage, state, desk);
      for (const part of [doneVerifiedUndone, endedByItsTime]) await part(played);
      const { counts = stage.counts, rest } = stage.afterBlow ?? {};
      const struck = await sceneOf(row, { ...stage, counts }, state, desk);
      for (const part of [killedWhileDone, killedWhileUndone]) await part({ ...struck, rest });
    } finally {
      desk.close();
      rmSync(state, { recursive: true });
    }
  });
}
