/** What is taken back when the world is not as it was: a file that is gone, a deed that was done twice, a question said no to. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { accessEntry } from '../../src/act/access-entry.ts';
import type { AccessWanted } from '../../src/act/access-entry.ts';
import { catchAllLock } from '../../src/act/catchall-lock.ts';
import { forwardOff } from '../../src/act/forward-off.ts';
import { perform, performAll } from '../../src/act/perform.ts';
import { recover, undo } from '../../src/act/recover.ts';
import { setup } from '../../src/act/setup.ts';
import { openDesk } from '../../src/guard/desk.ts';
import type { OpenDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import { Fault } from '../../src/model/fault.ts';
import type { CarryOut } from '../../src/model/verb.ts';

type Scene = { readonly folder: string; readonly desk: OpenDesk };

const onScene = async (play: (scene: Scene) => Promise<void>): Promise<void> => {
  const [folder, state] = ['folder', 'state'].map((name) => mkdtempSync(join(tmpdir(), `postern-back-${name}-`)));
  assert.ok(folder !== undefined && state !== undefined);
  const desk = openDesk(state, { carryOut: createCarryOut(createAllowance({ roots: [{ path: folder }] })) });
  try {
    await play({ folder, desk });
  } finally {
    desk.close();
    for (const each of [folder, state]) rmSync(each, { recursive: true });
  }
};

const order = { who: 'test', why: 'test', until: undefined, incident: undefined };
const catchAll = 'bob: bob@lab.test\n*: alice@lab.test\n';

test('a file that went with its domain keeps none of the others from being put back, and is said', async () => {
  await onScene(async ({ folder, desk }) => {
    const paths = ['a.test', 'b.test', 'c.test'].map((name) => join(folder, name));
    for (const path of paths) writeFileSync(path, catchAll);
    const wanted = paths.map((path) => ({
      path,
      format: 'exim-aliases',
      fileDomain: path.slice(folder.length + 1),
      map: undefined,
      domains: undefined,
    }));
    const until = Date.now() + 60_000;
    await performAll(catchAllLock, wanted, { ...order, until }, desk);
    const [aliases, forwarded] = [join(folder, 'aliases'), 'fwd: alice@far.test\n'];
    writeFileSync(aliases, forwarded);
    const forward = {
      key: 'fwd',
      path: aliases,
      format: 'colon',
      refresh: { kind: 'none' },
      localDomains: [],
    } as const;
    await perform(forwardOff, forward, { ...order, until }, desk);
    for (const path of [...paths, aliases]) assert.ok(!readFileSync(path, 'utf8').endsWith(': alice@lab.test\n'), path);
    for (const path of [paths[1] ?? '', aliases]) rmSync(path);
    const mended = await recover({ ...desk, now: () => until });
    assert.deepEqual(
      mended.map(({ failed }) => failed),
      [false, false, false, false],
    );
    assert.deepEqual(desk.receipts.inState('undoing', 'done'), []);
    for (const path of [paths[0], paths[2]]) assert.equal(readFileSync(path ?? '', 'utf8'), catchAll);
    for (const { note } of desk.receipts.inState('undone')) assert.match(note, /b\.test is gone|aliases is gone/);
  });
});

test('named twice in one breath, a client is refused by one action, which takes the entry out again', async () => {
  await onScene(async ({ folder, desk }) => {
    const path = join(folder, 'clients');
    const wanted: AccessWanted = {
      format: 'exim-iplsearch',
      path,
      subject: '203.0.113.7',
      tag: '',
      value: undefined,
    };
    await performAll(accessEntry, [wanted, wanted], order, desk);
    const inForce = desk.receipts.inForce('access-entry');
    assert.equal(inForce.length, 1);
    await undo([inForce[0]?.id ?? ''], 'test', desk);
    assert.equal(existsSync(path), false);
  });
});

test('a renewal that a crash interrupted takes the place of what it renewed', async () => {
  await onScene(async ({ folder, desk }) => {
    const path = join(folder, 'clients');
    const wanted: AccessWanted = { format: 'exim-iplsearch', path, subject: '203.0.113.7', tag: '', value: undefined };
    const first = await perform(accessEntry, wanted, order, desk);
    const second = await perform(accessEntry, wanted, order, desk);
    // As a crash after the deed leaves it: neither is said to be done, nor the first to be renewed.
    desk.receipts.move([first.receipt?.id ?? ''], 'done', '');
    desk.receipts.move([second.receipt?.id ?? ''], 'open', '');
    await recover(desk);
    assert.deepEqual(
      desk.receipts.inForce('access-entry').map(({ id }) => id),
      [second.receipt?.id],
    );
  });
});

test('a renewal that did not take leaves in force what it would have renewed', async () => {
  await onScene(async ({ folder, desk }) => {
    const path = join(folder, 'clients');
    const wanted: AccessWanted = { format: 'exim-iplsearch', path, subject: '203.0.113.7', tag: '', value: undefined };
    const { receipt } = await perform(accessEntry, wanted, order, desk);
    const before = readFileSync(path, 'utf8');
    let isFull = true;
    const carryOut: CarryOut = async (verb) => {
      const isWritten = verb.verb === 'replace-file' && verb.content !== verb.expected;
      if (isFull && isWritten) {
        isFull = false;
        throw new Fault('PARTLY_DONE', 'no space left');
      }
      return desk.carryOut(verb);
    };
    await assert.rejects(perform(accessEntry, { ...wanted, value: 'other' }, order, { ...desk, carryOut }), /no space/);
    assert.equal(isFull, false);
    assert.deepEqual(
      desk.receipts.inForce('access-entry').map(({ id }) => id),
      [receipt?.id],
    );
    assert.equal(readFileSync(path, 'utf8'), before);
  });
});

test('where one action may not be taken back, none that was named with it is', async () => {
  await onScene(async ({ folder, desk }) => {
    const paths = ['one', 'two'].map((name) => join(folder, name));
    const ids: string[] = [];
    for (const path of paths) {
      writeFileSync(path, 'theirs\n');
      const change = (text: string): string => `${text}ours = yes\nmore = yes\n`;
      const wanted = { server: path, files: [{ path, change }], lines: [], check: [], reload: [] };
      ids.push((await perform(setup, wanted, order, desk)).receipt?.id ?? '');
    }
    writeFileSync(paths[1] ?? '', 'theirs\nours = yes\nmore = no\n');
    await assert.rejects(undo(ids, 'test', desk), /own lines were edited/);
    await recover(desk);
    assert.deepEqual(
      ids.map((id) => desk.receipts.get(id)?.state),
      ['done', 'done'],
    );
    assert.equal(readFileSync(paths[0] ?? '', 'utf8'), 'theirs\nours = yes\nmore = yes\n');
  });
});
