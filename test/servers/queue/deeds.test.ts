/**
 * Holding and purging on real Postfix, Exim and Sendmail: the next host is down, so hundreds of real submissions wait. What
 * is purged and put back is byte for byte what was queued; killed at any step nothing is lost, and nothing goes out twice.
 */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { undo } from '../../../src/act/recover.ts';
import { evidenceFolder } from '../../../src/guard/desk.ts';
import { hold, purge, release, requeue } from '../../../src/guard/queue/deeds.ts';
import type { QueuedMessage } from '../../../src/model/queue/message.ts';
import { walkListing } from '../../../src/sense/queue/listing.ts';
import { walkSpool } from '../../../src/sense/queue/walk.ts';
import { postern } from '../../stories/postmaster.ts';
import { until } from '../lab/await.ts';
import { labClosed } from '../lab/door.ts';
import { startSink } from '../lab/sink.ts';
import { startWorld } from '../lab/world.ts';
import { bytesOf, emptied, isHeld, list, settled, submit, wantedOf } from './mail.ts';
import { deskAt, servers } from './places.ts';
import type { Place } from './places.ts';

const order = { who: 'test', why: 'because', until: undefined, incident: undefined };

const from =
  (who: string) =>
  ({ sender }: QueuedMessage): boolean =>
    sender === `${who}@lab.test`;

const counts = { alice: 150, bob: 20 } as const;

for (const { name, start } of servers) {
  test(
    `${name}: held, released, purged and put back byte for byte; then each goes out once`,
    { skip: labClosed },
    async () => {
      await using world = await startWorld();
      await world.sink.stop();
      await using server = await start();
      const { place } = server;
      const state = mkdtempSync(join(tmpdir(), 'postern-queue-'));
      const desk = deskAt(state, place);
      try {
        await submit(server.address, 'alice', 'a', counts.alice);
        await submit(server.address, 'bob', 'b', counts.bob);
        const queued = await settled(place, counts.alice + counts.bob);
        const before = bytesOf(queued);
        const alices = wantedOf(place, queued.filter(from('alice')));
        assert.equal(alices.messages.length, counts.alice);

        const held = await hold(alices, order, desk);
        assert.match(held.receipt?.note ?? '', /^150 messages held$/);
        assert.equal((await list(place)).filter(isHeld).length, counts.alice);
        await undo([held.receipt?.id ?? ''], 'test', desk);
        assert.deepEqual(bytesOf(await settled(place, queued.length)), before, 'let go, each is what it was');

        // A hold made by hand, then released.
        await hold(alices, order, desk);
        assert.equal(
          await release(wantedOf(place, (await list(place)).filter(from('alice'))), desk.carryOut),
          counts.alice,
        );
        const again = await settled(place, queued.length);
        const beforePurge = bytesOf(again);

        const purged = await purge(wantedOf(place, again.filter(from('alice'))), evidenceFolder(state), order, desk);
        assert.equal(purged.receipt?.state, 'done');
        const left = await list(place);
        assert.deepEqual([left.length, left.every(from('bob'))], [counts.bob, true], 'bob keeps his mail');
        const [evidence = ''] = globSync(join(state, 'evidence/*.evidence'));
        assert.ok(readFileSync(evidence, 'latin1').includes('Subject: a 149'), 'the evidence is whole');

        const to = join(state, 'export');
        assert.match(await postern('evidence', evidence, '--to', to, '--state', state), /^150 messages written/);
        const exported = readdirSync(to).filter((file) => file.endsWith('.eml'));
        const texts = exported.map((file) => readFileSync(join(to, file), 'latin1'));
        for (let at = 0; at < counts.alice; at++) {
          const found = texts.findIndex((text) => text.endsWith(`\n\n.dot\nFrom ${at}\n\xfc\n`));
          const envelope = JSON.parse(readFileSync(join(to, `${exported[found]?.slice(0, -4)}.json`), 'utf8'));
          assert.deepEqual([envelope.sender, envelope.recipients[0].address], ['alice@lab.test', `a${at}@remote.test`]);
          assert.match(texts[found] ?? '', /^Received: .*\n[\s\S]*\nSubject: a \d+\n/);
        }

        await undo([purged.receipt?.id ?? ''], 'test', desk);
        assert.deepEqual(bytesOf(await settled(place, queued.length)), beforePurge, 'put back, each is what it was');

        await using sink = await startSink();
        await server.flush();
        await sink.messageTo(`a${counts.alice - 1}@remote.test`);
        await emptied(place);
        const heard = sink.messages.flatMap(({ recipients }) => recipients).toSorted();
        const sent = [
          ...Array.from({ length: counts.alice }, (_, at) => `a${at}@remote.test`),
          ...Array.from({ length: counts.bob }, (_, at) => `b${at}@remote.test`),
        ];
        assert.deepEqual(heard, sent.toSorted(), 'each once');
        assert.ok(
          sink.messages.every(({ data }) => data.includes('\n..dot\nFrom ')),
          'as it was written',
        );
      } finally {
        desk.close();
        rmSync(state, { recursive: true });
      }
    },
  );
}

for (const { name, start } of servers) {
  test(`${name}: what has left meanwhile is said, damaged files stay where they are`, { skip: labClosed }, async () => {
    await using world = await startWorld();
    await world.sink.stop();
    await using server = await start();
    const { place } = server;
    const state = mkdtempSync(join(tmpdir(), 'postern-queue-'));
    const desk = deskAt(state, place);
    try {
      await submit(server.address, 'alice', 'a', 6);
      const queued = await settled(place, 6);
      const wanted = wantedOf(place, queued);
      const [first, second] = queued;
      assert.ok(first !== undefined && second !== undefined);
      const damage = readFileSync(second.path).subarray(0, 60);
      await purge(wantedOf(place, [first]), evidenceFolder(state), order, desk);
      writeFileSync(second.path, damage);
      const { receipt } = await purge(wanted, evidenceFolder(state), order, desk);
      assert.match(receipt?.note ?? '', /taken out of the queue, \d had left it/);
      assert.ok(desk.receipts.latest(2).every(({ state: done }) => done === 'done'));
      const kept = await undo([receipt?.id ?? ''], 'test', desk);
      assert.match(kept, /had left the queue before it was purged/);
      const after = await listAll(place);
      assert.deepEqual(
        after.filter((id) => id !== second.id).toSorted(),
        queued
          .map(({ id }) => id)
          .filter((id) => id !== first.id && id !== second.id)
          .toSorted(),
      );
    } finally {
      desk.close();
      rmSync(state, { recursive: true });
    }
  });
}

const listAll = async ({ spool }: Place): Promise<string[]> => {
  const ids: string[] = [];
  await walkSpool(spool, ({ id }) => ids.push(id));
  return ids;
};

test(
  'Postfix’s listing, which is all that others than root may see, is enough to hold and to let go',
  { skip: labClosed },
  async () => {
    await using world = await startWorld();
    await world.sink.stop();
    const [postfix] = servers;
    assert.ok(postfix !== undefined);
    await using server = await postfix.start();
    const { place } = server;
    const state = mkdtempSync(join(tmpdir(), 'postern-queue-'));
    const desk = deskAt(state, place);
    try {
      await submit(server.address, 'alice', 'a', 5);
      const before = bytesOf(await settled(place, 5));
      const listed: QueuedMessage[] = [];
      await walkListing((message) => listed.push(message));
      assert.deepEqual(
        listed.map(({ path, sender, recipientCount }) => [path, sender, recipientCount]),
        Array.from({ length: 5 }, () => ['', 'alice@lab.test', 1]),
      );
      const { receipt } = await hold(wantedOf(place, listed), order, desk);
      assert.ok((await list(place)).every(({ queue }) => queue === 'hold'));
      await undo([receipt?.id ?? ''], 'test', desk);
      assert.deepEqual(bytesOf(await settled(place, 5)), before);
    } finally {
      desk.close();
      rmSync(state, { recursive: true });
    }
  },
);

for (const { name, start } of servers) {
  test(`${name}: what is requeued begins anew, each once`, { skip: labClosed }, async () => {
    await using world = await startWorld();
    await world.sink.stop();
    await using server = await start();
    const { place } = server;
    const state = mkdtempSync(join(tmpdir(), 'postern-queue-'));
    const desk = deskAt(state, place);
    try {
      await submit(server.address, 'alice', 'a', 3);
      const wanted = wantedOf(place, await settled(place, 3));
      await using sink = await startSink();
      await requeue(wanted, desk.carryOut);
      const ids = new Set(wanted.messages.map(({ id }) => id));
      if (place.spool.kind === 'postfix') {
        // They begin anew, as if just handed in: pickup(8) takes them at its next turn, within a minute. Not by chance just now.
        assert.ok((await list(place)).every(({ id }) => !ids.has(id)));
        const waiting = (): number => readdirSync(`${place.spool.path}/maildrop`).length;
        await until(
          () => `three, of which ${waiting()} wait to be picked up`,
          async () => waiting() + (await list(place)).length + sink.messages.length === 3,
        );
        return;
      }
      for (let at = 0; at < 3; at++) await sink.messageTo(`a${at}@remote.test`);
      await emptied(place);
      assert.equal(sink.messages.length, 3);
    } finally {
      desk.close();
      rmSync(state, { recursive: true });
    }
  });
}
