/**
 * Somebody has Alice's password and sends spam through a real Postfix, three of ten to addresses that do not exist. Postern
 * locks the account within sixty messages, holds what is queued, and a person reviews: purge, undo, release, unlock.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import type { Guard } from '../../src/guard/run.ts';
import type { QueuedMessage } from '../../src/model/queue/message.ts';
import { awaitLine } from '../servers/lab/await.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { dialSmtp } from '../servers/lab/dialogue.ts';
import { labClosed } from '../servers/lab/door.ts';
import { startPostfix } from '../servers/lab/postfix.ts';
import type { Postfix } from '../servers/lab/postfix.ts';
import { startWorld } from '../servers/lab/world.ts';
import type { World } from '../servers/lab/world.ts';
import { deedsIn, noLimits, openedIn, policy, postern, postfixQueue, settingsAt } from './postmaster.ts';

const home = '198.51.100.9';
const thief = '203.0.113.50';
const alice = 'alice@lab.test';
const historyDays = 5;
const day = 86_400_000;

type Scene = {
  readonly world: World;
  readonly postfix: Postfix;
  readonly guard: Guard;
  readonly news: readonly GuardNews[];
  readonly state: string;
};

/** A real submission. @returns what became of it: sent, deferred, bounced, or held at the door */
const send = async (
  { world, postfix }: Pick<Scene, 'world' | 'postfix'>,
  from: string,
  who: string,
  recipient: string,
): Promise<string> => {
  const smtp = await dialSmtp({ from, to: postfix.address, port: 587 });
  await smtp.say('EHLO client.test', 250);
  await smtp.authPlain(`${who}@lab.test`, `${who}pw`, 235);
  await smtp.send(`${who}@lab.test`, [recipient], `Subject: to ${recipient}\n\nhello`);
  await smtp.quit();
  const line = await awaitLine(
    world.log.traditional,
    `the fate of ${recipient}`,
    (each) => each.includes(`to=<${recipient}>`) && (each.includes(' status=') || each.includes(': hold: ')),
  );
  return line.includes(': hold: ') ? 'held' : (/ status=(\w+)/.exec(line)?.[1] ?? '');
};

/** The real lines of today, as if they were of some days ago: what a guard has that has been here for a while. */
const agedLog = (world: World, state: string): string => {
  const file = join(state, 'old.log');
  const [today, then] = [0, historyDays].map((days) => new Date(Date.now() - days * day).toISOString().slice(0, 10));
  writeFileSync(file, readFileSync(world.log.iso, 'latin1').replaceAll(`${today}T`, `${then}T`), 'latin1');
  return file;
};

const onScene = async (play: (scene: Scene) => Promise<void>): Promise<void> => {
  await using world = await startWorld();
  const smtpd_recipient_restrictions = `check_policy_service ${policy}, permit_sasl_authenticated, reject_unauth_destination`;
  await using postfix = await startPostfix({ mainCf: { ...noLimits, smtpd_recipient_restrictions } });
  const state = await mkdtemp(join(tmpdir(), 'postern-story-'));
  const news: GuardNews[] = [];
  const tell = (item: GuardNews): void => void news.push(item);
  try {
    for (const who of ['alice', 'bob'])
      assert.equal(await send({ world, postfix }, home, who, `${who}s-friend@remote.test`), 'sent');
    const old = agedLog(world, state);
    const before = await startGuard(settingsAt(state).set('logs', [old]), tell);
    await before.caughtUp();
    await before.stop();
    const guard = await startGuard(settingsAt(state).set('logs', [old, world.log.traditional]), tell);
    try {
      await guard.caughtUp();
      await play({ world, postfix, guard, news, state });
    } finally {
      await guard.stop();
    }
  } finally {
    await rm(state, { recursive: true });
  }
};

/** @returns how many messages the thief could hand in before the first was held */
const attack = async (scene: Scene): Promise<number> => {
  for (let sent = 0; sent <= 60; sent++) {
    const kind = [0, 3, 6].includes(sent % 10) ? 'bounce' : sent % 10 === 5 ? 'defer' : 'victim';
    if ((await send(scene, thief, 'alice', `${kind}-${sent}@remote.test`)) === 'held') return sent;
    await scene.guard.caughtUp();
  }
  return Infinity;
};

const alices = async (): Promise<readonly QueuedMessage[]> =>
  (await postfixQueue()).filter(({ account }) => account === alice);

const review = async ({ world, state }: Scene, incident: string): Promise<void> => {
  const held = await alices();
  assert.ok(held.length >= 3 && held.every(({ queue }) => queue === 'hold'), held.map(({ queue }) => queue).join(' '));
  const ids = (messages: readonly QueuedMessage[]): ReadonlySet<string> => new Set(messages.map(({ id }) => id));
  const purged = await postern('purge', incident, '--yes', '--state', state);
  assert.deepEqual(await alices(), []);
  await postern('undo', /postern undo (\w+)/.exec(purged)?.[1] ?? assert.fail(purged), '--state', state);
  assert.deepEqual(ids(await alices()), ids(held));
  await postern('release', incident, '--yes', '--state', state);
  await runCommand('postqueue', ['-f']); // instead of waiting for its next look at the queue
  await world.sink.messageTo('later@remote.test');
  assert.equal(world.sink.messages.filter(({ recipients }) => recipients.includes('later@remote.test')).length, 1);
};

test(
  'a stolen account is locked within sixty messages; purge, undo, release and unlock are a command each',
  { skip: labClosed },
  async () => {
    await onScene(async (scene) => {
      const { world, guard, news, state } = scene;
      // Bob's newsletter goes out from home, one of ten to nobody.
      for (let at = 0; at < 30; at++) {
        assert.notEqual(
          await send(scene, home, 'bob', `${at % 10 === 4 ? 'bounce-' : ''}reader${at}@remote.test`),
          'held',
        );
        await guard.caughtUp();
      }
      const sent = await attack(scene);
      assert.ok(sent > 5 && sent <= 60, `${sent} messages`);
      await guard.settled();
      assert.deepEqual(
        openedIn(news).map(({ attack: name, actors }) => [name, actors[0]?.value]),
        [['compromised-account', alice]],
      );
      assert.equal(deedsIn(news).length, 1, news.map((item) => JSON.stringify(item)).join('\n'));
      assert.match(
        deedsIn(news)[0] ?? '',
        /alice@lab\.test is locked: .*messages? held in postfix's queue \(to defer-/,
      );

      // Nothing of it moves, and what the thief still sends is taken and kept.
      assert.equal(await send(scene, thief, 'alice', 'later@remote.test'), 'held');
      assert.ok(!world.sink.messages.some(({ recipients }) => recipients.includes('later@remote.test')));
      await review(scene, openedIn(news)[0]?.id ?? '');

      await postern('unlock', alice, '--state', state);
      let fate = 'held';
      for (let attempt = 0; attempt < 50 && fate === 'held'; attempt++) {
        await pause(100);
        fate = await send(scene, home, 'alice', `again${attempt}@remote.test`);
      }
      assert.equal(fate, 'sent', 'Alice sends again');
    });
  },
);
