/** A web server's script is hacked and floods the world through a real server: it is named, and what waits is held. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import { isHeldInQueue } from '../../src/model/queue/message.ts';
import type { QueuedMessage } from '../../src/model/queue/message.ts';
import { walkSpool } from '../../src/sense/queue/walk.ts';
import { linesOf, until } from '../servers/lab/await.ts';
import { runCommand, runCommandAs } from '../servers/lab/daemon.ts';
import { labClosed } from '../servers/lab/door.ts';
import { startWorld } from '../servers/lab/world.ts';
import { mailServers } from './mail-servers.ts';
import type { Server } from './mail-servers.ts';
import { deedsIn, openedIn, postern, settingsAt } from './postmaster.ts';

const webServer = 33;
const batches = 10;
const perBatch = 30;
const deferredPerBatch = perBatch / 10;

/** What a hacked page does: many calls of sendmail, thirty recipients each, some of which their servers put off. */
const flood = async ({ command }: Server, from: number): Promise<void> => {
  const recipients = Array.from(
    { length: perBatch },
    (_, at) => `${at % 10 === 0 ? 'defer' : 'victim'}-${from}-${at}@remote.test`,
  );
  const message = `From: ceo@lab.test\nSubject: offer\nX-PHP-Originating-Script: ${webServer}:mailer.php\n\nbuy\n`;
  await runCommandAs(webServer, command, ['-f', 'ceo@lab.test', ...recipients], message);
};

const offers = async ({ spool }: Server): Promise<readonly QueuedMessage[]> => {
  const messages: QueuedMessage[] = [];
  await walkSpool(spool, (message) => messages.push(message));
  return messages.filter(({ subject }) => subject === 'offer');
};

for (const { name, start } of mailServers) {
  // Postfix logs the number, the others the name.
  const user = name === 'Postfix' ? String(webServer) : 'www-data';
  test(
    `${name}: a script flood is named by user and script, and what waits of it is held until it is released`,
    { skip: labClosed },
    async () => {
      await using world = await startWorld();
      await using server = await start(world);
      const state = await mkdtemp(join(tmpdir(), 'postern-story-'));
      const news: GuardNews[] = [];
      const guard = await startGuard(settingsAt(state, 'none').set('logs', [server.log]), (item) => news.push(item));
      try {
        // Root's own notes are no flood.
        await runCommand(server.command, ['root-friend@remote.test'], 'Subject: backup\n\ndone\n');
        for (let batch = 0; batch < batches; batch++) await flood(server, batch);
        const told = (): number =>
          new Set(
            linesOf(server.log)
              .filter(server.isFate)
              .flatMap((line) => line.match(/victim-\d+-\d+@/g) ?? []),
          ).size;
        // On a slow machine the hold may come before a message has gone out to anybody.
        const heldBack = async (): Promise<number> =>
          (await offers(server))
            .filter(isHeldInQueue)
            .reduce((sum, { recipientCount }) => sum + Math.max(0, recipientCount - deferredPerBatch), 0);
        await until(
          () => `each victim has its mail, or it is held: only ${told()} have it`,
          async () => told() + (await heldBack()) === batches * (perBatch - deferredPerBatch),
        );
        await guard.caughtUp();
        await guard.settled();
        assert.deepEqual(
          openedIn(news).map(({ attack, actors }) => [attack, actors[0]?.kind, actors[0]?.value]),
          [['outbound-flood', 'user', user]],
        );
        const incident = openedIn(news)[0]?.id ?? '';
        assert.match(
          deedsIn(news)[0] ?? '',
          // A victim's copy may still be on its way when the hold comes, so any of them can stand first.
          new RegExp(
            `^user:${user} is locked: .* in ${server.spool.kind}'s queue \\(.*to defer-[^;]*by 33:mailer\\.php`,
          ),
        );

        const groups = await postern('queue', '--by', 'user,script', '--log', server.log);
        assert.match(groups, /www-data/);
        assert.match(groups, /33:mailer\.php/);
        const [one] = await offers(server);
        const traced = await postern('queue', 'trace', one?.id ?? '', server.log);
        assert.match(traced, /local user (?:www-data|33).*33:mailer\.php/s);
        // Only Exim's log tells where the page stood.
        assert.equal(/, in \//.test(traced), name === 'Exim', traced);

        // Whatever it still hands in is held as soon as it waits, and nothing of it is lost.
        await flood(server, batches);
        await until(
          () => 'all of it is held',
          async () => {
            const waiting = await offers(server);
            return waiting.length === batches + 1 && waiting.every(isHeldInQueue);
          },
        );
        await guard.settled();
        await postern('release', incident, '--yes', '--state', state, '--log', server.log);
        // What is tried just now stands in two queues for a moment, or in none.
        await until(
          () => 'all of it is free',
          async () => {
            const free = await offers(server);
            return free.length === batches + 1 && !free.some(isHeldInQueue);
          },
        );
      } finally {
        await guard.stop();
        await rm(state, { recursive: true });
        await rm(server.spool.path, { recursive: true });
      }
    },
  );
}
