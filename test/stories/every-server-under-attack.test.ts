/**
 * Attacks with real sessions from many addresses on Exim, Sendmail, Dovecot and the gate. No log is followed: what the
 * hooks see is enough to contain them, and who is innocent passes.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import type { Guard } from '../../src/guard/run.ts';
import { defaults } from '../../src/guard/settings.ts';
import type { AttackName } from '../../src/model/attack.ts';
import { dialImap, dialPop3, dialSmtp } from '../servers/lab/dialogue.ts';
import { labClosed } from '../servers/lab/door.ts';
import { attachExim } from '../servers/lab/exim-hook.ts';
import { startExim } from '../servers/lab/exim.ts';
import { askMilter, startSendmail } from '../servers/lab/sendmail.ts';
import { startWorld } from '../servers/lab/world.ts';

type Scene = { readonly guard: Guard; readonly opened: () => readonly AttackName[] };

const underGuard = async (play: (scene: Scene) => Promise<void>): Promise<void> => {
  const state = await mkdtemp(join(tmpdir(), 'postern-story-'));
  const news: GuardNews[] = [];
  const guard = await startGuard(
    new Map<string, unknown>([
      ...defaults,
      ['state', state],
      ['logs', []],
      ['judge.learning', '0'],
      ['gate.greetPauseMs', 0],
      // Whom it cannot hold it sends away: the story is not about how long.
      ['gate.heldConnections', 0],
      ['gate.limits.errorsPerConnection', 0],
      ['gate.limits.unknownBeforeDelay', 0],
    ]),
    (item) => news.push(item),
  );
  try {
    const opened = (): AttackName[] =>
      news.flatMap((item) =>
        item.kind === 'incident' && item.change.change === 'opened' ? [item.change.incident.attack] : [],
      );
    await play({ guard, opened });
  } finally {
    await guard.stop();
    await rm(state, { recursive: true });
  }
};

type Server = { readonly address: string; readonly port: number; readonly domain: string; readonly known: string };

/** One session that asks for each name; the replies to RCPT, up to the end of the session, when the guard knows of it. */
const ask = async (
  server: Server,
  guard: Guard,
  from: string,
  names: readonly string[],
  sender = 's@remote.test',
): Promise<string[]> => {
  const smtp = await dialSmtp({ from, to: server.address, port: server.port });
  if (smtp.greeting.code !== 220) {
    smtp.hangUp();
    return [`${smtp.greeting.code} ${smtp.greeting.text}`];
  }
  const replies: string[] = [];
  const helo = await smtp.say('EHLO client.test');
  const mail = helo.code === 250 ? await smtp.say(`MAIL FROM:<${sender}>`) : helo;
  if (mail.code !== 250) replies.push(`${mail.code} ${mail.text}`);
  else
    for (const name of names) {
      const reply = await smtp.say(`RCPT TO:<${name}@${server.domain}>`);
      replies.push(`${reply.code} ${reply.text}`);
      if (reply.code === 0 || reply.code === 421 || reply.text === 'closing connection') break;
    }
  smtp.hangUp();
  await guard.caughtUp();
  return replies;
};

const numbered = (word: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${word}${at}`);
/** The server's own answer about a name. Ours tell nothing of it. */
const isTruth = (reply: string): boolean => /^250|ser unknown|o such|nknown user|Unrouteable/i.test(reply);

/** @param truthsMax how many truthful answers one client, and a campaign of 60 one-shot clients, may get */
const dictionary = async (
  server: Server,
  { opened, guard }: Scene,
  truthsMax: { readonly client: number; readonly campaign: number },
): Promise<void> => {
  const slow = await ask(server, guard, '203.0.113.7', numbered('guess', 30));
  assert.ok(slow.length > 1, 'the attack was seen');
  const again = await ask(server, guard, '203.0.113.7', numbered('more', 30));
  const truths = [...slow, ...again].filter(isTruth);
  assert.ok(truths.length <= truthsMax.client, `${truths.length} answers:\n${[...slow, ...again].join('\n')}`);
  assert.ok(!isTruth((await ask(server, guard, '203.0.113.7', [server.known]))[0] ?? ''), 'the door is closed');
  assert.match((await ask(server, guard, '198.51.100.7', [server.known]))[0] ?? '', /^250/, 'not for a neighbour');

  let learned = 0;
  for (let probe = 0; probe < 60; probe++) {
    const [reply = ''] = await ask(server, guard, `20.${probe}.7.9`, [`target${probe}`]);
    if (isTruth(reply)) learned++;
  }
  assert.ok(learned >= 15, 'the campaign was seen before it was stopped');
  assert.ok(learned <= truthsMax.campaign, `${learned} of 60 one-shot probes were answered`);
  assert.ok(opened().includes('dictionary'));
  assert.ok(
    opened().every((attack) => attack === 'dictionary'),
    opened().join(' '),
  );
};

/** Every twentieth name of a list is gone; a server that returns bounces is innocent. */
const innocents = async (server: Server, guard: Guard, bounces = 12): Promise<void> => {
  for (let post = 0; post < 3; post++) {
    const names = Array.from({ length: 20 }, (_, at) => (at === 10 ? `left${post}` : server.known));
    const replies = await ask(server, guard, '198.51.100.20', names, 'list-owner@lists.test');
    assert.equal(replies.filter((reply) => reply.startsWith('250')).length, 19, replies.join('\n'));
  }
  for (let bounce = 0; bounce < bounces; bounce++) {
    const [reply = ''] = await ask(server, guard, '198.51.100.30', [`forged${bounce}`], '');
    assert.ok(isTruth(reply), `the server's own answer, not ours: ${reply}`);
  }
  assert.match((await ask(server, guard, '198.51.100.30', [server.known], ''))[0] ?? '', /^250/);
};

test('Exim: a dictionary attack is contained, the innocent pass', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await underGuard(async (scene) => {
    await using exim = await startExim({
      edit: (config) =>
        attachExim('127.0.0.1:10042')(config)
          .replaceAll('ratelimit = 12 / 60s', 'ratelimit = 1000 / 60s')
          // Of a client that has just gone a slow machine has sessions left.
          .replace('smtp_accept_max_per_host = 5\n', ''),
    });
    const server = { address: exim.address, port: 25, domain: 'lab.test', known: 'alice' };
    await innocents(server, scene.guard);
    await dictionary(server, scene, { client: 5, campaign: 30 });
  });
});

test('Sendmail: a dictionary attack is contained, the innocent pass', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await underGuard(async (scene) => {
    await using sendmail = await startSendmail(askMilter('inet:10041@127.0.0.1'));
    const server = { address: sendmail.address, port: 25, domain: 'mx.lab.test', known: 'laba' };
    // Its own limit is twelve connections a minute from one client.
    await innocents(server, scene.guard, 8);
    await dictionary(server, scene, { client: 5, campaign: 30 });
  });
});

test(
  'the gate: a dictionary attack and relay attempts are contained, the innocent pass',
  { skip: labClosed },
  async () => {
    await using world = await startWorld();
    assert.ok(world);
    await underGuard(async (scene) => {
      const server = { address: '127.0.0.1', port: 2525, domain: hostname(), known: 'postmaster' };
      await innocents(server, scene.guard);
      await dictionary(server, scene, { client: 5, campaign: 30 });
      const replies: string[] = [];
      for (let session = 0; session < 5; session++)
        replies.push(
          ...(await ask({ ...server, domain: `elsewhere${session}.test` }, scene.guard, '203.0.113.50', ['x'])),
        );
      assert.ok(replies.length > 3 && replies.every((reply) => !reply.startsWith('250')), 'nothing is relayed');
      assert.match(replies.at(-1) ?? '', /^421/, 'who asked to relay twice is not greeted a third time');
    });
  },
);

test('Dovecot: password guessing is contained, the owner is not locked out', { skip: labClosed }, async () => {
  await using world = await startWorld(
    'auth_policy_server_url = http://127.0.0.1:10043/\nauth_policy_hash_nonce = of-this-test\nauth_policy_server_timeout_msecs = 60000\n',
  );
  const { address } = world.dovecot;
  const imap = async (from: string, account: string, password: string): Promise<string> => {
    const session = await dialImap({ from, to: address, port: 143 });
    const { status } = await session.say(`LOGIN ${account} ${password}`);
    session.hangUp();
    return status;
  };
  await underGuard(async ({ opened }) => {
    assert.equal(await imap('198.51.100.5', 'alice@lab.test', 'alicepw'), 'OK', 'the owner, from home');
    // One client, many accounts, over POP3.
    for (let guess = 0; guess < 12; guess++) {
      const pop3 = await dialPop3({ from: '203.0.113.9', to: address, port: 110 });
      await pop3.say(`USER user${guess}@lab.test`);
      await pop3.say('PASS 123456');
      pop3.hangUp();
    }
    assert.equal(await imap('203.0.113.9', 'bob@lab.test', 'bobpw'), 'NO', 'even a right guess is not let in');
    // One account, many networks.
    for (let network = 0; network < 12; network++)
      await imap(`${20 + network}.${network}.7.9`, 'alice@lab.test', `guess${network}`);
    assert.equal(await imap('77.1.2.3', 'alice@lab.test', 'alicepw'), 'NO', 'a right guess from elsewhere');
    assert.equal(
      await imap('198.51.100.5', 'alice@lab.test', 'alicepw'),
      'OK',
      'the owner, from home, during the siege',
    );
    assert.equal(await imap('198.51.100.6', 'bob@lab.test', 'bobpw'), 'OK', 'and everybody else');
    assert.ok(opened().length > 0 && opened().every((attack) => attack === 'password-guessing'), opened().join(' '));
  });
});
