/**
 * Somebody has Alice's password and sends spam through a real Postfix, three of ten to addresses that do not exist. Postern
 * locks the account within sixty messages, holds what is queued, and a person reviews: purge, undo, release, unlock.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import type { Guard, GuardNews } from '../../src/guard/run.ts';
import { defaults } from '../../src/guard/settings.ts';
import type { QueuedMessage } from '../../src/model/queue/message.ts';
import { walkSpool } from '../../src/sense/queue/walk.ts';
import { awaitLine } from '../servers/lab/await.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { dialSmtp } from '../servers/lab/dialogue.ts';
import { labClosed } from '../servers/lab/door.ts';
import { startPostfix } from '../servers/lab/postfix.ts';
import type { Postfix } from '../servers/lab/postfix.ts';
import { startWorld } from '../servers/lab/world.ts';
import type { World } from '../servers/lab/world.ts';

const policyPort = 10_040;
const policy = `{ inet:127.0.0.1:${policyPort}, timeout=3s, default_action=DUNNO }`;
const home = '198.51.100.9';
const thief = '203.0.113.50';
const historyDays = 5;
const day = 86_400_000;

const send = async (postfix: Postfix, from: string, who: string, recipient: string): Promise<void> => {
  const smtp = await dialSmtp({ from, to: postfix.address, port: 587 });
  await smtp.say('EHLO client.test', 250);
  await smtp.authPlain(`${who}@lab.test`, `${who}pw`, 235);
  await smtp.send(`${who}@lab.test`, [recipient], `Subject: to ${recipient}\n\nhello`);
  await smtp.quit();
};

/** What became of it: delivered, deferred, bounced, or held at the door. */
const fateOf = async (world: World, recipient: string): Promise<string> => {
  const line = await awaitLine(
    world.log.traditional,
    `the fate of ${recipient}`,
    (each) => each.includes(`to=<${recipient}>`) && (each.includes(' status=') || each.includes(': hold: ')),
  );
  return line.includes(': hold: ') ? 'held' : (/ status=(\w+)/.exec(line)?.[1] ?? '');
};

const queue = async (): Promise<QueuedMessage[]> => {
  const messages: QueuedMessage[] = [];
  await walkSpool({ kind: 'postfix', path: '/var/spool/postfix' }, (message) => messages.push(message));
  return messages;
};

const postern = async (...args: readonly string[]): Promise<string> => {
  const child = spawn(process.execPath, ['src/cli/main.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, complaint, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  assert.equal(status, 0, `${args.join(' ')}: ${complaint}`);
  return out;
};

/** The real lines of today, as if they were of some days ago: what a guard has that has been here for a while. */
const agedLog = (world: World, state: string): string => {
  const file = join(state, 'old.log');
  const today = new Date().toISOString().slice(0, 10);
  const then = new Date(Date.now() - historyDays * day).toISOString().slice(0, 10);
  writeFileSync(file, readFileSync(world.log.iso, 'latin1').replaceAll(`${today}T`, `${then}T`), 'latin1');
  return file;
};

test(
  'a stolen account is locked within sixty messages; purge, undo, release and unlock are a command each',
  { skip: labClosed },
  async () => {
    await using world = await startWorld();
    await using postfix = await startPostfix({
      mainCf: {
        smtpd_recipient_restrictions: `check_policy_service ${policy}, permit_sasl_authenticated, reject_unauth_destination`,
        smtpd_client_message_rate_limit: '0',
        smtpd_client_recipient_rate_limit: '0',
        smtpd_client_connection_rate_limit: '0',
        smtpd_client_auth_rate_limit: '0',
      },
    });
    const state = await mkdtemp(join(tmpdir(), 'postern-story-'));
    const news: GuardNews[] = [];
    let guard: Guard | undefined;
    try {
      for (const who of ['alice', 'bob']) {
        await send(postfix, home, who, `${who}s-friend@remote.test`);
        assert.equal(await fateOf(world, `${who}s-friend@remote.test`), 'sent');
      }
      const settings = new Map([
        ...defaults,
        ['state', state],
        ['judge.learning', '0'],
        ['policy.listen', `127.0.0.1:${policyPort}`],
        ...['milter', 'readsocket', 'authPolicy'].map((hook) => [`${hook}.listen`, 'off'] as const),
      ]);
      const old = agedLog(world, state);
      const before = await startGuard(new Map([...settings, ['logs', [old]]]), (item) => news.push(item));
      await before.caughtUp();
      await before.stop();
      guard = await startGuard(new Map([...settings, ['logs', [old, world.log.traditional]]]), (item) =>
        news.push(item),
      );
      await guard.caughtUp();

      // Bob's newsletter goes out from home, one of ten to nobody.
      for (let at = 0; at < 30; at++) {
        const recipient = `${at % 10 === 4 ? 'bounce-reader' : 'reader'}${at}@remote.test`;
        await send(postfix, home, 'bob', recipient);
        assert.notEqual(await fateOf(world, recipient), 'held');
        await guard.caughtUp();
      }

      let sent = 0;
      for (; sent <= 60; sent++) {
        const kind = [0, 3, 6].includes(sent % 10) ? 'bounce' : sent % 10 === 5 ? 'defer' : 'victim';
        await send(postfix, thief, 'alice', `${kind}-${sent}@remote.test`);
        if ((await fateOf(world, `${kind}-${sent}@remote.test`)) === 'held') break;
        await guard.caughtUp();
      }
      assert.ok(sent > 5, 'the attack was seen');
      assert.ok(sent <= 60, `${sent} messages`);
      await guard.settled();
      const incident = news.flatMap((item) =>
        item.kind === 'incident' && item.change.change === 'opened' ? [item.change.incident] : [],
      );
      assert.deepEqual(
        incident.map(({ attack, actors }) => [attack, actors[0]?.value]),
        [['compromised-account', 'alice@lab.test']],
      );
      const notices = news.flatMap((item) => (item.kind === 'deed' ? [item.text] : []));
      assert.equal(notices.length, 1, news.map((item) => JSON.stringify(item)).join('\n'));
      assert.match(notices[0] ?? '', /alice@lab\.test is locked: .*messages? held in postfix's queue \(to defer-/);

      // Nothing of it moves, and what the thief still sends is taken and kept.
      await send(postfix, thief, 'alice', 'later@remote.test');
      assert.equal(await fateOf(world, 'later@remote.test'), 'held');
      const held = (await queue()).filter(({ account }) => account === 'alice@lab.test');
      assert.ok(
        held.length >= 3 && held.every(({ queue: name }) => name === 'hold'),
        held.map((each) => each.queue).join(' '),
      );
      assert.ok(!world.sink.messages.some(({ recipients }) => recipients.includes('later@remote.test')));

      const id = incident[0]?.id ?? '';
      const common = ['--yes', '--state', state];
      const purged = await postern('purge', id, ...common);
      assert.deepEqual(
        (await queue()).filter(({ account }) => account === 'alice@lab.test'),
        [],
      );
      const action = /postern undo (\w+)/.exec(purged)?.[1] ?? assert.fail(purged);
      await postern('undo', action, '--state', state);
      assert.deepEqual(
        new Set((await queue()).map((message) => message.id)),
        new Set(held.map((message) => message.id)),
      );
      await postern('release', id, ...common);
      await runCommand('postqueue', ['-f']); // instead of waiting for its next look at the queue
      await world.sink.messageTo('later@remote.test');
      assert.equal(world.sink.messages.filter(({ recipients }) => recipients.includes('later@remote.test')).length, 1);

      await postern('unlock', 'alice@lab.test', '--state', state);
      let isFree = false;
      for (let attempt = 0; attempt < 50 && !isFree; attempt++) {
        await send(postfix, home, 'alice', `again${attempt}@remote.test`);
        isFree = (await fateOf(world, `again${attempt}@remote.test`)) === 'sent';
        if (!isFree) await pause(100);
      }
      assert.ok(isFree, 'Alice sends again');
    } finally {
      await guard?.stop();
      await rm(state, { recursive: true });
    }
  },
);
