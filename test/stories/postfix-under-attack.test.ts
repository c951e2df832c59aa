/**
 * A postmaster's Postfix is under attack. Postern follows its log and answers its policy questions: harvesters are
 * refused after the few probes that DETECTION promises, and the innocent around them are not.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import { defaults } from '../../src/guard/settings.ts';
import type { Incident } from '../../src/model/report.ts';
import { dialSmtp } from '../servers/lab/dialogue.ts';
import { labClosed } from '../servers/lab/door.ts';
import { startPostfix } from '../servers/lab/postfix.ts';
import type { Postfix } from '../servers/lab/postfix.ts';
import { startWorld } from '../servers/lab/world.ts';
import { noLimits } from './postmaster.ts';

const policyPort = 10_040;
const policy = `{ inet:127.0.0.1:${policyPort}, timeout=60s, default_action=DUNNO }`;

type Scene = {
  readonly postfix: Postfix;
  /** Until the guard knows of all that has happened: it stands in the log, and was read. */
  readonly caughtUp: () => Promise<void>;
  readonly opened: () => readonly Incident[];
};

const underGuard = async (play: (scene: Scene) => Promise<void>): Promise<void> => {
  await using world = await startWorld();
  const state = await mkdtemp(join(tmpdir(), 'postern-story-'));
  const news: GuardNews[] = [];
  const guard = await startGuard(
    new Map([
      ...defaults,
      ['state', state],
      ['logs', [world.log.traditional]],
      ['judge.learning', '0'],
      ['policy.listen', `127.0.0.1:${policyPort}`],
    ]),
    (item) => news.push(item),
  );
  try {
    await using postfix = await startPostfix({
      mainCf: {
        smtpd_recipient_restrictions: `reject_unauth_destination, check_policy_service ${policy}`,
        smtpd_hard_error_limit: '1000',
        smtpd_soft_error_limit: '1000',
        ...noLimits,
      },
    });
    const opened = (): Incident[] =>
      news.flatMap((item) =>
        item.kind === 'incident' && item.change.change === 'opened' ? [item.change.incident] : [],
      );
    const caughtUp = async (): Promise<void> => {
      await world.log.settle();
      await guard.caughtUp();
    };
    await play({ postfix, caughtUp, opened });
  } finally {
    await guard.stop();
    await rm(state, { recursive: true });
  }
};

/** One session that asks for each name; the texts of the replies to RCPT. */
const ask = async (
  postfix: Postfix,
  from: string,
  names: readonly string[],
  sender = 's@remote.test',
): Promise<string[]> => {
  const smtp = await dialSmtp({ from, to: postfix.address, port: 25 });
  await smtp.say('EHLO client.test', 250);
  await smtp.say(`MAIL FROM:<${sender}>`, 250);
  const replies: string[] = [];
  for (const name of names) {
    const reply = await smtp.say(`RCPT TO:<${name}@lab.test>`);
    replies.push(`${reply.code} ${reply.text}`);
    if (reply.code === 0 || reply.code === 421) break;
  }
  smtp.hangUp();
  return replies;
};

const numbered = (word: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${word}${at}`);
const isTruth = (reply: string): boolean => reply.includes('User unknown') || reply.startsWith('250');

test('a harvester learns five answers at most, in one session or pipelined', { skip: labClosed }, async () => {
  await underGuard(async ({ postfix, caughtUp, opened }) => {
    const slow = await ask(postfix, '203.0.113.7', numbered('guess', 30));
    assert.ok(slow.length > 2, 'the attack was seen');
    assert.ok(slow.filter(isTruth).length <= 5, slow.join('\n'));

    const smtp = await dialSmtp({ from: '203.0.113.99', to: postfix.address, port: 25 });
    await smtp.say('EHLO client.test', 250);
    const pipelined = await smtp.pipeline([
      'MAIL FROM:<s@remote.test>',
      ...numbered('word', 100).map((name) => `RCPT TO:<${name}@lab.test>`),
    ]);
    smtp.hangUp();
    const truths = pipelined.filter((reply) => isTruth(`${reply.code} ${reply.text}`) && !reply.text.includes('2.1.0'));
    assert.ok(pipelined.length > 3, 'the attack was seen');
    assert.ok(truths.length <= 5, `${truths.length} answers`);

    // A second session finds the door closed, also for a name that exists.
    await caughtUp();
    const again = await ask(postfix, '203.0.113.7', ['alice']);
    assert.ok(!isTruth(again[0] ?? ''), again.join('\n'));
    const neighbour = await ask(postfix, '198.51.100.7', ['alice']);
    assert.match(neighbour[0] ?? '', /^250/);
    assert.ok(opened().every((incident) => incident.attack === 'dictionary'));
  });
});

test(
  'a campaign of one-shot clients is recognised after about 25 probes and then learns nothing',
  { skip: labClosed },
  async () => {
    await underGuard(async ({ postfix, caughtUp, opened }) => {
      const truths: number[] = [];
      for (let probe = 0; probe < 60; probe++) {
        const [reply = ''] = await ask(postfix, `20.${probe}.7.9`, [`target${probe}`]);
        if (isTruth(reply)) truths.push(probe);
        await caughtUp();
      }
      assert.ok(truths.length >= 15, 'the campaign was seen before it was stopped');
      assert.ok(truths.length <= 25, `${truths.length} probes were answered`);
      const incidents = opened().filter((incident) => incident.attack === 'dictionary');
      assert.equal(incidents.length, 1);
      assert.equal(incidents[0]?.distributed, true);
    });
  },
);

test(
  'a list server, a server that returns bounces and a phone with an old password are not refused',
  { skip: labClosed },
  async () => {
    await underGuard(async ({ postfix, caughtUp, opened }) => {
      // 5 % of a list are stale: every twentieth name does not exist. The others are the three mailboxes of the lab.
      const members = ['alice', 'bob', 'carol'];
      for (let post = 0; post < 3; post++) {
        const names = Array.from({ length: 20 }, (_, at) => (at === 10 ? `left${post}` : (members[at % 3] ?? 'alice')));
        const replies = await ask(postfix, '198.51.100.20', names, 'list-owner@lists.test');
        assert.equal(replies.filter((reply) => reply.startsWith('250')).length, 19, replies.join('\n'));
        await caughtUp();
      }
      for (let bounce = 0; bounce < 20; bounce++) {
        const [reply = ''] = await ask(postfix, '198.51.100.30', [`forged${bounce}`], '');
        assert.match(reply, /User unknown/, "the server's own answer, not ours");
      }
      await caughtUp();
      assert.match((await ask(postfix, '198.51.100.30', ['alice'], ''))[0] ?? '', /^250/);
      for (let attempt = 0; attempt < 15; attempt++) {
        const phone = await dialSmtp({ from: '198.51.100.40', to: postfix.address, port: 587 });
        await phone.say('EHLO phone.test', 250);
        await phone.authPlain('alice@lab.test', 'the old one', 535);
        phone.hangUp();
      }
      await caughtUp();
      assert.match((await ask(postfix, '198.51.100.40', ['bob']))[0] ?? '', /^250/);
      assert.deepEqual(
        opened().map((incident) => incident.attack),
        [],
      );
    });
  },
);
