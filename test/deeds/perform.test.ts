/** The machinery of deeds: done, refused, failed, undone, over, and killed at every step. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Act } from '../../src/act/act.ts';
import { perform } from '../../src/act/perform.ts';
import { recover, undo } from '../../src/act/recover.ts';
import { openDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import { Fault } from '../../src/model/fault.ts';
import { atEveryStep, isKilled } from './killed.ts';
import type { Script } from './two-files-scene.ts';
import { twoFiles } from './two-files.ts';
import type { TwoFiles } from './two-files.ts';

type Scene = {
  readonly state: string;
  readonly folder: string;
  readonly open: (act?: Act<TwoFiles>) => ReturnType<typeof openDesk>;
  readonly texts: () => string[];
};

const onScene = async (play: (scene: Scene) => Promise<void>): Promise<void> => {
  const top = mkdtempSync(join(tmpdir(), 'postern-deeds-'));
  const [state, folder] = [join(top, 'state'), join(top, 'folder')];
  mkdirSync(folder);
  const texts = (): string[] => ['one', 'two'].map((name) => readFileSync(join(folder, name), 'latin1'));
  for (const name of ['one', 'two']) writeFileSync(join(folder, name), 'before');
  const carryOut = createCarryOut(createAllowance({ roots: [{ path: folder }] }));
  const open = (act = twoFiles): ReturnType<typeof openDesk> =>
    openDesk(state, { carryOut, deeds: new Map([['setup', act]]) });
  try {
    await play({ state, folder, open, texts });
  } finally {
    rmSync(top, { recursive: true });
  }
};

const order = { who: 'test', why: 'because', until: undefined, incident: undefined };

test('done, then undone; twice is said', async () => {
  await onScene(async ({ folder, open, texts }) => {
    const desk = open();
    const { receipt } = await perform(twoFiles, { folder, text: 'after' }, order, desk);
    assert.ok(receipt !== undefined && receipt.state === 'done');
    assert.deepEqual(texts(), ['after', 'after']);
    assert.equal(desk.receipts.get(receipt.id)?.note, 'both are written');
    const nothing = await perform(twoFiles, { folder, text: 'after' }, order, desk);
    assert.equal(nothing.receipt, undefined);
    await undo([receipt.id], 'anna', desk);
    assert.deepEqual(texts(), ['before', 'before']);
    assert.equal(desk.receipts.get(receipt.id)?.note, 'undone by anna');
    await assert.rejects(undo([receipt.id], 'anna', desk), /is undone already/);
    await assert.rejects(undo(['A00000'], 'anna', desk), /no action A00000/);
    desk.close();
  });
});

test('what does not take, or breaks on the way, is undone', async () => {
  await onScene(async ({ folder, open, texts }) => {
    const notTaken: Act<TwoFiles> = {
      ...twoFiles,
      verify: () => Promise.resolve({ took: false, text: 'the server says no' }),
    };
    const broken: Act<TwoFiles> = {
      ...twoFiles,
      carry: async (memory, carryOut) => {
        await twoFiles.carry(memory, carryOut);
        throw new Fault('REFUSED_FOR_SAFETY', 'no further');
      },
    };
    for (const [act, code] of [
      [notTaken, 'PARTLY_DONE'],
      [broken, 'REFUSED_FOR_SAFETY'],
    ] as const) {
      const desk = open(act);
      await assert.rejects(
        perform(act, { folder, text: 'after' }, order, desk),
        (error) => error instanceof Fault && error.code === code && error.message.includes('was undone'),
      );
      assert.deepEqual(texts(), ['before', 'before']);
      assert.equal(desk.receipts.latest(1)[0]?.state, 'failed');
      desk.close();
    }
  });
});

test('an undo that fails is told, and tried again', async () => {
  await onScene(async ({ folder, open, texts }) => {
    const stuck: Act<TwoFiles> = { ...twoFiles, undo: () => Promise.reject(new Error('disk full')) };
    const desk = open(stuck);
    const { receipt } = await perform(stuck, { folder, text: 'after' }, order, desk);
    assert.ok(receipt !== undefined);
    await assert.rejects(undo([receipt.id], 'test', desk), /disk full/);
    const [again] = await recover(desk);
    assert.deepEqual([again?.failed, again?.text], [true, 'disk full']);
    desk.close();
    const mended = open();
    assert.equal((await recover(mended)).length, 1);
    assert.deepEqual(texts(), ['before', 'before']);
    assert.equal(mended.receipts.get(receipt.id)?.state, 'undone');
    mended.close();
  });
});

test('what is over is undone, and what is not stays', async () => {
  await onScene(async ({ folder, open, texts }) => {
    const desk = open();
    await perform(twoFiles, { folder, text: 'after' }, { ...order, until: Date.now() + 60_000 }, desk);
    assert.deepEqual(await recover(desk), []);
    assert.deepEqual(texts(), ['after', 'after']);
    const later = { ...desk, now: () => Date.now() + 60_000 };
    assert.deepEqual(
      (await recover(later)).map(({ text }) => text),
      ['its time was over'],
    );
    assert.deepEqual(texts(), ['before', 'before']);
    desk.close();
  });
});

test('two desks never act at once', async () => {
  await onScene(async ({ open }) => {
    const desks = [open(), open()];
    let inside = 0;
    let most = 0;
    await Promise.all(
      [...desks, ...desks].map((desk) =>
        desk.alone(async () => {
          most = Math.max(most, ++inside);
          await Promise.resolve();
          inside--;
        }),
      ),
    );
    assert.equal(most, 1);
    for (const desk of desks) desk.close();
  });
});

const scene = new URL('./two-files-scene.ts', import.meta.url);

test('killed at every step of a deed: afterwards it is wholly done or wholly undone, and the receipt says which', async () => {
  await onScene(async ({ state, folder, open, texts }) => {
    const outcomes = new Set<string>();
    const blows = await atEveryStep(async (blow) => {
      const script: Script = { state, folder, text: 'after', undo: null, blow };
      const killed = await isKilled(scene, script);
      const desk = open();
      await recover(desk);
      const [receipt] = desk.receipts.latest(1);
      outcomes.add(receipt?.state ?? 'none');
      assert.deepEqual(desk.receipts.inState('open', 'undoing'), []);
      assert.deepEqual(texts(), receipt?.state === 'done' ? ['after', 'after'] : ['before', 'before']);
      if (receipt?.state === 'done') await undo([receipt.id], 'test', desk);
      desk.close();
      assert.deepEqual(readdirSync(folder).toSorted(), ['one', 'two']);
      return killed;
    });
    assert.ok(blows >= 10, `${blows} blows`);
    assert.deepEqual(outcomes, new Set(['none', 'failed', 'done']));
  });
});

test('killed at every step of an undo: it is finished', async () => {
  await onScene(async ({ state, folder, open, texts }) => {
    const blows = await atEveryStep(async (blow) => {
      const before = open();
      const { receipt } = await perform(twoFiles, { folder, text: 'after' }, order, before);
      before.close();
      assert.ok(receipt !== undefined);
      const killed = await isKilled(scene, { state, folder, text: '', undo: receipt.id, blow } satisfies Script);
      const desk = open();
      await recover(desk);
      assert.equal(desk.receipts.get(receipt.id)?.state, 'undone');
      assert.deepEqual(texts(), ['before', 'before']);
      desk.close();
      return killed;
    });
    assert.ok(blows >= 8, `${blows} blows`);
  });
});
