/**
 * What goes wrong while queues of real servers are acted on: full disks, a stopped server, messages that leave at that moment.
 * Nothing is lost, nothing goes out twice, and what could not be done is said. Killed at any step: test/deeds/every-deed.test.ts.
 */
import assert from 'node:assert/strict';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { recover, undo } from '../../../src/act/recover.ts';
import { evidenceFolder } from '../../../src/guard/desk.ts';
import { hold, purge } from '../../../src/guard/queue/deeds.ts';
import type { CarryOut } from '../../../src/model/verb.ts';
import { until } from '../lab/await.ts';
import { runCommand } from '../lab/daemon.ts';
import { labClosed } from '../lab/door.ts';
import { startSink } from '../lab/sink.ts';
import { startWorld } from '../lab/world.ts';
import { bytesOf, emptied, isHeld, list, settled, submit, wantedOf } from './mail.ts';
import { deskAt, servers } from './places.ts';

const order = { who: 'test', why: 'because', until: undefined, incident: undefined };
const count = 40;
/** So many of them are out when the purge begins; the others go out while it runs. */
const outFirst = 3;

const withState = async (play: (state: string) => Promise<void>): Promise<void> => {
  const state = mkdtempSync(join(tmpdir(), 'postern-queue-'));
  try {
    await play(state);
  } finally {
    rmSync(state, { recursive: true });
  }
};

/** A disk of its own, so small that it can be filled. */
const smallDisk = async (path: string, size: string): Promise<AsyncDisposable & { readonly path: string }> => {
  mkdirSync(path, { recursive: true });
  await runCommand('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0755`, 'postern-small', path]);
  return { path, [Symbol.asyncDispose]: async () => void (await runCommand('umount', ['-l', path])) };
};

/** Writes until nothing fits any more. @returns what frees it again */
const fill = (path: string): (() => void) => {
  const filler = join(path, 'filler');
  const descriptor = openSync(filler, 'w');
  assert.throws(
    () => {
      for (;;) writeSync(descriptor, Buffer.alloc(65_536, 1));
    },
    { code: 'ENOSPC' },
  );
  for (let size = 4096; size >= 1; size /= 2)
    try {
      for (;;) writeSync(descriptor, Buffer.alloc(size, 1));
    } catch {
      continue;
    }
  closeSync(descriptor);
  return () => rmSync(filler);
};

for (const { name, spool, start } of servers) {
  test(
    `${name}: a purge whose evidence does not fit on the disk takes nothing, and what it held is let go`,
    { skip: labClosed },
    () =>
      withState(async (state) => {
        await using world = await startWorld();
        await world.sink.stop();
        await using server = await start();
        const { place } = server;
        await using disk = await smallDisk(evidenceFolder(state), '16k');
        const desk = deskAt(state, place);
        await submit(server.address, 'alice', 'a', count);
        const queued = await settled(place, count);
        const before = bytesOf(queued);
        await assert.rejects(purge(wantedOf(place, queued), disk.path, order, desk), /ENOSPC.*was undone/);
        assert.equal(desk.receipts.latest(1)[0]?.state, 'failed');
        assert.deepEqual(bytesOf(await settled(place, count)), before);
        assert.ok(!(await list(place)).some(isHeld));
        desk.close();
      }),
  );

  test(
    `${name}: on a full queue disk a purge is not undone by half; when there is room again it is finished`,
    { skip: labClosed },
    () =>
      withState(async (state) => {
        await using disk = await smallDisk(spool.path, '16m');
        await using world = await startWorld();
        await world.sink.stop();
        await using server = await start();
        const { place } = server;
        const desk = deskAt(state, place);
        await submit(server.address, 'alice', 'a', count);
        const before = bytesOf(await settled(place, count));
        const { receipt } = await purge(wantedOf(place, await list(place)), evidenceFolder(state), order, desk);
        assert.equal((await list(place)).length, 0);
        const free = fill(disk.path);
        await assert.rejects(undo([receipt?.id ?? ''], 'test', desk), /ENOSPC/);
        assert.equal(desk.receipts.get(receipt?.id ?? '')?.state, 'undoing');
        free();
        const mended = await recover(desk);
        assert.deepEqual(
          mended.map(({ failed }) => failed),
          [false],
        );
        assert.deepEqual(bytesOf(await settled(place, count)), before);
        desk.close();
      }),
  );

  test(`${name}: with the server stopped, mail is held, purged and put back all the same`, { skip: labClosed }, () =>
    withState(async (state) => {
      await using world = await startWorld();
      await world.sink.stop();
      await using server = await start();
      const { place } = server;
      const desk = deskAt(state, place);
      await submit(server.address, 'alice', 'a', count);
      const queued = await settled(place, count);
      await server[Symbol.asyncDispose]();
      const before = bytesOf(await list(place));
      const held = await hold(wantedOf(place, queued), order, desk);
      assert.ok((await list(place)).every(isHeld));
      await undo([held.receipt?.id ?? ''], 'test', desk);
      assert.deepEqual(bytesOf(await list(place)), before);
      const { receipt } = await purge(wantedOf(place, await list(place)), evidenceFolder(state), order, desk);
      assert.equal((await list(place)).length, 0);
      await undo([receipt?.id ?? ''], 'test', desk);
      assert.deepEqual(bytesOf(await list(place)), before);
      desk.close();
    }),
  );

  test(
    `${name}: what is delivered while it is purged goes out once, and the rest is kept and put back`,
    { skip: labClosed },
    () =>
      withState(async (state) => {
        await using world = await startWorld();
        await world.sink.stop();
        await using server = await start();
        const { place } = server;
        const desk = deskAt(state, place);
        await submit(server.address, 'alice', 'a', count);
        const wanted = wantedOf(place, await settled(place, count));
        await using sink = await startSink(outFirst);
        const flushed = server.flush();
        await until(
          () => 'the first are out',
          () => sink.messages.length >= outFirst,
        );
        const carryOut: CarryOut = async (verb) => {
          const done = await desk.carryOut(verb);
          sink.takeAll();
          return done;
        };
        const { receipt } = await purge(wanted, evidenceFolder(state), order, { ...desk, carryOut });
        await flushed;
        await undo([receipt?.id ?? ''], 'test', desk);
        // A message that was being put back while the queue was tried is tried again: Postfix itself would wait five minutes.
        await emptied(place, server.flush);
        const heard = sink.messages.flatMap(({ recipients }) => recipients);
        assert.deepEqual(
          heard.toSorted(),
          Array.from({ length: count }, (_, at) => `a${at}@remote.test`).toSorted(),
          'each once',
        );
        assert.match(receipt?.note ?? '', /taken out of the queue/);
        desk.close();
      }),
  );
}
