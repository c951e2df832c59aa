/** A web server's script is hacked and floods the world through a real Postfix: it is named, and what waits is held. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import { awaitLine, linesOf } from '../servers/lab/await.ts';
import { runCommand, runCommandAs } from '../servers/lab/daemon.ts';
import { labClosed } from '../servers/lab/door.ts';
import { startPostfix } from '../servers/lab/postfix.ts';
import { startWorld } from '../servers/lab/world.ts';
import { deedsIn, noLimits, openedIn, postern, postfixQueue, settingsAt } from './postmaster.ts';

const webServer = 33;
const batches = 10;
const perBatch = 30;

/** What a hacked page does: many calls of sendmail, thirty recipients each, some of which their servers put off. */
const flood = async (from: number): Promise<void> => {
  const recipients = Array.from(
    { length: perBatch },
    (_, at) => `${at % 10 === 0 ? 'defer' : 'victim'}-${from}-${at}@remote.test`,
  );
  const message = `From: ceo@lab.test\nSubject: offer\nX-PHP-Originating-Script: ${webServer}:mailer.php\n\nbuy\n`;
  await runCommandAs(webServer, '/usr/sbin/sendmail', ['-f', 'ceo@lab.test', ...recipients], message);
};

test(
  'a script flood is named by user and script, and what waits of it is held until it is released',
  { skip: labClosed },
  async () => {
    await using world = await startWorld();
    await using postfix = await startPostfix({ mainCf: noLimits });
    const state = await mkdtemp(join(tmpdir(), 'postern-story-'));
    const news: GuardNews[] = [];
    const settings = settingsAt(state).set('logs', [world.log.traditional]).set('policy.listen', 'off');
    const guard = await startGuard(settings, (item) => news.push(item));
    try {
      // Root's own notes are no flood.
      await runCommand('/usr/sbin/sendmail', ['root-friend@remote.test'], 'Subject: backup\n\ndone\n');
      for (let batch = 0; batch < batches; batch++) await flood(batch);
      await awaitLine(
        world.log.traditional,
        'the last delivery',
        () => linesOf(world.log.traditional).filter((line) => line.includes(' status=')).length > batches * perBatch,
      );
      await guard.caughtUp();
      await guard.settled();
      assert.deepEqual(
        openedIn(news).map(({ attack, actors }) => [attack, actors[0]?.kind, actors[0]?.value]),
        [['outbound-flood', 'user', String(webServer)]],
      );
      assert.match(
        deedsIn(news)[0] ?? '',
        /user:33 is locked: .*held in postfix's queue \(to defer-.*by 33:mailer\.php/,
      );

      const groups = await postern('queue', '--by', 'user,script');
      assert.match(groups, /www-data \(33\)/);
      assert.match(groups, /33:mailer\.php/);
      assert.match(
        await postern('queue', 'show', (await postfixQueue())[0]?.id ?? ''),
        /not the address of who handed it in/,
      );

      // Whatever it still hands in is held as soon as it waits, and nothing of it is lost.
      await flood(batches);
      await awaitLine(
        world.log.traditional,
        'a later sweep',
        () => linesOf(world.log.traditional).filter((line) => line.includes(': placed on hold')).length > batches,
      );
      await guard.settled();
      const waiting = await postfixQueue();
      assert.equal(waiting.length, batches + 1);
      assert.ok(
        waiting.every(({ queue }) => queue === 'hold'),
        waiting.map(({ queue }) => queue).join(' '),
      );
      await postern('release', openedIn(news)[0]?.id ?? '', '--yes', '--state', state);
      assert.ok((await postfixQueue()).every(({ queue }) => queue !== 'hold'));
      assert.equal(postfix.ports.smtp, 25);
    } finally {
      await guard.stop();
      await rm(state, { recursive: true });
    }
  },
);
