/**
 * Somebody has Alice's password and sends spam through a real Postfix, Exim or Sendmail, three of ten to addresses that do not exist.
 * Postern locks the account within sixty messages, holds what is queued, and a person reviews: purge, undo, release, unlock.
 */
import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import type { Guard } from '../../src/guard/run.ts';
import { isHeldInQueue } from '../../src/model/queue/message.ts';
import type { QueuedMessage } from '../../src/model/queue/message.ts';
import type { Spool } from '../../src/sense/queue/spool.ts';
import { walkSpool } from '../../src/sense/queue/walk.ts';
import { awaitLine } from '../servers/lab/await.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { dialSmtp } from '../servers/lab/dialogue.ts';
import type { SmtpDialogue } from '../servers/lab/dialogue.ts';
import { labClosed } from '../servers/lab/door.ts';
import { attachExim } from '../servers/lab/exim-hook.ts';
import { startExim } from '../servers/lab/exim.ts';
import { startPostfix } from '../servers/lab/postfix.ts';
import { startSendmail } from '../servers/lab/sendmail.ts';
import { startWorld } from '../servers/lab/world.ts';
import type { World } from '../servers/lab/world.ts';
import { deedsIn, noLimits, openedIn, policy, postern, settingsAt } from './postmaster.ts';

const home = '198.51.100.9';
const thief = '203.0.113.50';
const alice = 'alice@lab.test';
const historyDays = 5;
const day = 86_400_000;

type Server = AsyncDisposable & {
  readonly address: string;
  /** The log that tells of it. */
  readonly log: string;
  readonly spool: Spool;
  /** What became of the mail to a recipient, once the log tells. */
  readonly fateOf: (recipient: string) => Promise<string>;
  readonly flush: () => Promise<unknown>;
};
type Scene = {
  readonly world: World;
  readonly server: Server;
  readonly sessions: Map<string, SmtpDialogue>;
  readonly guard: Guard;
  readonly news: readonly GuardNews[];
  readonly state: string;
};

const onPostfix = async (world: World): Promise<Server> => {
  const smtpd_recipient_restrictions = `check_policy_service ${policy}, permit_sasl_authenticated, reject_unauth_destination`;
  const postfix = await startPostfix({ mainCf: { ...noLimits, smtpd_recipient_restrictions } });
  const isFate = (recipient: string) => (line: string) =>
    line.includes(`to=<${recipient}>`) && (line.includes(' status=') || line.includes(': hold: '));
  return {
    address: postfix.address,
    log: world.log.iso,
    spool: { kind: 'postfix', path: '/var/spool/postfix' },
    fateOf: async (recipient) => {
      const line = await awaitLine(world.log.iso, `the fate of ${recipient}`, isFate(recipient));
      return line.includes(': hold: ') ? 'held' : (/ status=(\w+)/.exec(line)?.[1] ?? '');
    },
    flush: () => runCommand('postqueue', ['-f']),
    [Symbol.asyncDispose]: () => postfix.stop(),
  };
};

const fates = [
  [' => ', 'sent'],
  [' ** ', 'bounced'],
  [' == ', 'deferred'],
  [' frozen by ACL', 'held'],
] as const;

const onExim = async (): Promise<Server> => {
  const attach = attachExim('127.0.0.1:10042');
  const exim = await startExim({
    logSelector: '+received_recipients',
    // Many messages a connection, each delivered at once.
    edit: (config) =>
      attach(config.replace('\nacl_smtp_connect', '\nsmtp_accept_queue_per_connection = 0\nacl_smtp_connect')),
  });
  // Where Postern looks for it, in this machine only: the lab has unpacked it elsewhere.
  await runCommand('mount', ['-t', 'tmpfs', 'postern-programs', '/usr/local/sbin']);
  symlinkSync(exim.program, '/usr/local/sbin/exim');
  return {
    address: exim.address,
    log: exim.mainLog,
    spool: { kind: 'exim', path: '/var/spool/exim4' },
    fateOf: async (recipient) => {
      const arrival = await awaitLine(
        exim.mainLog,
        `mail to ${recipient}`,
        (line) => line.includes(' <= ') && line.endsWith(` for ${recipient}`),
      );
      const id = arrival.split(' ')[2] ?? '';
      const isFate = (line: string): boolean => line.includes(id) && fates.some(([mark]) => line.includes(mark));
      const line = await awaitLine(exim.mainLog, `the fate of ${recipient}`, isFate);
      return fates.find(([mark]) => line.includes(mark))?.[1] ?? '';
    },
    flush: () => runCommand(exim.program, ['-qf']),
    [Symbol.asyncDispose]: async () => {
      await exim.stop();
      await runCommand('umount', ['/usr/local/sbin']);
    },
  };
};

const onSendmail = async (world: World): Promise<Server> => {
  const filter = `INPUT_MAIL_FILTER(\`postern', \`S=inet:10041@127.0.0.1, T=C:2s;S:2s;R:5s;E:30s')dnl\n`;
  const sendmail = await startSendmail(filter);
  // In this machine only: the stock place of the command belongs to Postfix here.
  await runCommand('mount', ['--bind', sendmail.program, '/usr/sbin/sendmail']);
  const isFate = (recipient: string) => (line: string) => line.includes(`to=<${recipient}>`) && line.includes('stat=');
  return {
    address: sendmail.address,
    log: world.log.iso,
    spool: { kind: 'sendmail', path: '/var/spool/mqueue' },
    fateOf: async (recipient) => {
      const line = await awaitLine(world.log.iso, `the fate of ${recipient}`, isFate(recipient));
      if (line.includes('quarantine')) return 'held';
      return line.includes('stat=Sent') ? 'sent' : line.includes('stat=Deferred') ? 'deferred' : 'bounced';
    },
    flush: () => runCommand(sendmail.program, ['-Am', '-q']),
    [Symbol.asyncDispose]: async () => {
      await sendmail.stop();
      await runCommand('umount', ['/usr/sbin/sendmail']);
    },
  };
};

const logIn = async (server: Server, from: string, who: string): Promise<SmtpDialogue> => {
  const smtp = await dialSmtp({ from, to: server.address, port: 587 });
  await smtp.say('EHLO client.test', 250);
  await smtp.authPlain(`${who}@lab.test`, `${who}pw`, 235);
  return smtp;
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
  const smtp = sessions.get(key) ?? (await logIn(server, from, who));
  sessions.set(key, smtp);
  await smtp.send(`${who}@lab.test`, [recipient], `Subject: to ${recipient}\n\nhello`);
  return server.fateOf(recipient);
};

/** The real lines of today, as if they were of some days ago: what a guard has that has been here for a while. */
const agedLog = (log: string, state: string): string => {
  const file = join(state, 'old.log');
  const [today = '', then = ''] = [0, historyDays].map((days) =>
    new Date(Date.now() - days * day).toISOString().slice(0, 10),
  );
  writeFileSync(file, readFileSync(log, 'latin1').replaceAll(today, then), 'latin1');
  return file;
};

const onScene = async (
  start: (world: World) => Promise<Server>,
  hook: string,
  play: (scene: Scene) => Promise<void>,
): Promise<void> => {
  await using world = await startWorld();
  const server = await start(world);
  const state = await mkdtemp(join(tmpdir(), 'postern-story-'));
  const sessions: Scene['sessions'] = new Map();
  const news: GuardNews[] = [];
  const tell = (item: GuardNews): void => void news.push(item);
  const settings = settingsAt(state, hook);
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
  const purged = await postern('purge', incident, '--yes', '--state', state, '--log', server.log);
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
  let fate = 'held';
  for (let attempt = 0; attempt < 50 && fate === 'held'; attempt++) {
    await pause(100);
    fate = await send(scene, home, 'alice', `again${attempt}@remote.test`);
  }
  assert.equal(fate, 'sent', 'Alice sends again');
};

for (const { name, start, hook } of [
  { name: 'Postfix', start: onPostfix, hook: 'policy' },
  { name: 'Exim', start: onExim, hook: 'readsocket' },
  { name: 'Sendmail', start: onSendmail, hook: 'milter' },
]) {
  test(
    `${name}: a stolen account is locked within sixty messages; purge, undo, release and unlock are a command each`,
    { skip: labClosed },
    () => onScene(start, hook, play),
  );
}
