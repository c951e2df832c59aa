/**
 * Somebody has Alice's password and sends spam through a real Postfix, Exim or Sendmail, three of ten to addresses that do not exist.
 * Postern locks the account within sixty messages, holds what is queued, and a person reviews: purge, undo, release, unlock.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import type { Guard } from '../../src/guard/run.ts';
import { isHeldInQueue } from '../../src/model/queue/message.ts';
import type { QueuedMessage } from '../../src/model/queue/message.ts';
import { walkSpool } from '../../src/sense/queue/walk.ts';
import { until } from '../servers/lab/await.ts';
import type { SmtpDialogue } from '../servers/lab/dialogue.ts';
import { labClosed } from '../servers/lab/door.ts';
import { startWorld } from '../servers/lab/world.ts';
import type { World } from '../servers/lab/world.ts';
import { mailServers } from './mail-servers.ts';
import type { MailServer, Server } from './mail-servers.ts';
import { deedsIn, logIn, openedIn, postern, settingsAt } from './postmaster.ts';

const home = '198.51.100.9';
const thief = '203.0.113.50';
const alice = 'alice@lab.test';
const historyDays = 5;
const day = 86_400_000;

type Scene = {
  readonly world: World;
  readonly server: Server;
  readonly sessions: Map<string, SmtpDialogue>;
  readonly guard: Guard;
  readonly news: readonly GuardNews[];
  readonly state: string;
};

/** A real submission. @returns what became of it: sent, deferred, bounced, or held at the door */
const send = async (
  { server, sessions }: Pick<Scene, 'server' | 'sessions'>,
  from: string,
  who: string,
  recipient: string,
): Promise<string> => {
  // One session a place, as a mail program keeps it: the lab's Sendmail allows few connections a minute.
  const key = `${from} ${who}`;
  const smtp = sessions.get(key) ?? (await logIn(server.address, from, who));
  sessions.set(key, smtp);
  await smtp.send(`${who}@lab.test`, [recipient], `Subject: to ${recipient}\n\nhello`);
  return server.fateOf(recipient);
};

/** The real lines of today, as if they were of some days ago: what a guard has that has been here for a while. */
const agedLog = (log: string, state: string): string => {
  const file = join(state, 'old.log');
  const aged = readFileSync(log, 'latin1').replaceAll(/^\d{4}-\d\d-\d\d/gm, (date) =>
    new Date(Date.parse(date) - historyDays * day).toISOString().slice(0, 10),
  );
  writeFileSync(file, aged, 'latin1');
  return file;
};

const onScene = async ({ start, hook, listen }: MailServer, play: (scene: Scene) => Promise<void>): Promise<void> => {
  await using world = await startWorld();
  const server = await start(world);
  const state = await mkdtemp(join(tmpdir(), 'postern-story-'));
  const sessions: Scene['sessions'] = new Map();
  const news: GuardNews[] = [];
  const tell = (item: GuardNews): void => void news.push(item);
  const settings = settingsAt(state, hook).set(`${hook}.listen`, listen);
  try {
    for (const who of ['alice', 'bob'])
      assert.equal(await send({ server, sessions }, home, who, `${who}s-friend@remote.test`), 'sent');
    const old = agedLog(server.log, state);
    const before = await startGuard(new Map(settings).set('logs', [old]), tell);
    await before.caughtUp();
    await before.stop();
    const guard = await startGuard(new Map(settings).set('logs', [old, server.log]), tell);
    try {
      await guard.caughtUp();
      await play({ world, server, sessions, guard, news, state });
    } finally {
      await guard.stop();
    }
  } finally {
    for (const smtp of sessions.values()) smtp.hangUp();
    await server[Symbol.asyncDispose]();
    // What one server leaves in its queue is not the next one's.
    await rm(server.spool.path, { recursive: true });
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

const alices = async ({ server: { spool } }: Scene): Promise<readonly QueuedMessage[]> => {
  const messages: QueuedMessage[] = [];
  await walkSpool(spool, (message) => messages.push(message));
  // Sendmail's queue files name no login: there the sender stands for it.
  return messages.filter(({ account, sender }) => (spool.kind === 'sendmail' ? sender : account) === alice);
};

const review = async (scene: Scene, incident: string): Promise<void> => {
  const { world, server, state } = scene;
  const held = await alices(scene);
  assert.ok(held.length >= 3 && held.every(isHeldInQueue), held.map(({ queue }) => queue).join(' '));
  const ids = (messages: readonly QueuedMessage[]): ReadonlySet<string> => new Set(messages.map(({ id }) => id));
  // It takes the incident's own messages, so nobody is asked.
  const purged = await postern('purge', incident, '--state', state, '--log', server.log);
  assert.deepEqual(await alices(scene), []);
  const actions = [...purged.matchAll(/postern undo (\w+)/g)].map(([, id = '']) => id);
  assert.ok(actions.length > 0, purged);
  for (const action of actions) await postern('undo', action, '--state', state);
  assert.deepEqual(ids(await alices(scene)), ids(held));
  await postern('release', incident, '--yes', '--state', state, '--log', server.log);
  await server.flush(); // instead of waiting for its next look at the queue
  await world.sink.messageTo('later@remote.test');
  assert.equal(world.sink.messages.filter(({ recipients }) => recipients.includes('later@remote.test')).length, 1);
};

const play = async (scene: Scene): Promise<void> => {
  const { world, guard, news, state, server } = scene;
  // Bob's newsletter goes out from home, one of ten to nobody.
  for (let at = 0; at < 30; at++) {
    assert.notEqual(await send(scene, home, 'bob', `${at % 10 === 4 ? 'bounce-' : ''}reader${at}@remote.test`), 'held');
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
  const notice = deedsIn(news)[0] ?? '';
  assert.match(notice, /alice@lab\.test is locked: .*messages? held.* in \w+'s queue.* \(to (?:defer|bounce|victim)-/);
  assert.ok(notice.includes(`in ${server.spool.kind}'s queue`), notice);

  // Nothing of it moves, and what the thief still sends is taken and kept.
  assert.equal(await send(scene, thief, 'alice', 'later@remote.test'), 'held');
  assert.ok(!world.sink.messages.some(({ recipients }) => recipients.includes('later@remote.test')));
  await review(scene, openedIn(news)[0]?.id ?? '');

  await postern('unlock', alice, '--state', state);
  let attempts = 0;
  await until(
    () => 'Alice sends again',
    async () => {
      const fate = await send(scene, home, 'alice', `again${++attempts}@remote.test`);
      assert.ok(fate === 'held' || fate === 'sent', fate);
      return fate === 'sent';
    },
  );
};

for (const mailServer of mailServers) {
  test(
    `${mailServer.name}: a stolen account is locked within sixty messages; purge, undo, release and unlock are a command each`,
    { skip: labClosed },
    () => onScene(mailServer, play),
  );
}
