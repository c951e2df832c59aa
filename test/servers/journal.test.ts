/** A host that logs to the journal alone: the guard follows it, goes on behind it after a restart, and the commands read it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import type { Guard } from '../../src/guard/run.ts';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import { readJournalJson } from '../../src/protocols/journal/json.ts';
import { findLogs } from '../../src/sense/logs/find.ts';
import { readJournal } from '../../src/sense/logs/journal.ts';
import { openedIn, postern, settingsAt } from '../stories/postmaster.ts';
import { runCommand } from './lab/daemon.ts';
import { dialSmtp } from './lab/dialogue.ts';
import { labClosed } from './lab/door.ts';
import { startJournal } from './lab/journal.ts';
import { startPostfix } from './lab/postfix.ts';
import { startWorld } from './lab/world.ts';

const client = '203.0.113.77';

/** So many names that do not exist, in sessions of their own. */
const guessNames = async (to: string, names: readonly string[]): Promise<void> => {
  for (const name of names) {
    const smtp = await dialSmtp({ from: client, to, port: 25 });
    await smtp.say('EHLO client.test', 250);
    await smtp.say('MAIL FROM:<s@remote.test>', 250);
    await smtp.say(`RCPT TO:<${name}@lab.test>`, 550);
    await smtp.quit();
  }
};

/** The journalctl that this process has started. */
const followers = async (): Promise<readonly number[]> =>
  (await runCommand('sh', ['-c', `pgrep -P ${process.pid} journalctl || true`]))
    .split('\n')
    .filter(Boolean)
    .map(Number);

test('the journal of systemd is followed, and nothing in it is lost or told twice', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using journal = await startJournal();
  await using postfix = await startPostfix();
  for (const path of ['mail.log', 'exim4', 'dovecot.log'])
    await rm(`/var/log/${path}`, { recursive: true, force: true });
  assert.deepEqual(await findLogs('/'), [{ path: 'journal', readable: true, older: [] }]);

  const state = await mkdtemp(join(tmpdir(), 'postern-journal-'));
  const news: GuardNews[] = [];
  const settings = settingsAt(state).set('logs', ['found']).set('policy.listen', 'off');
  const start = (): Promise<Guard> => startGuard(settings, (item) => news.push(item));
  let guard = await start();
  try {
    assert.deepEqual(guard.logs, ['journal']);
    await guessNames(postfix.address, ['a', 'b']);
    await journal.settle();
    await guard.caughtUp();
    await guard.stop();
    await guessNames(postfix.address, ['c']);
    guard = await start();
    await journal.settle();
    await guard.caughtUp();
    assert.deepEqual(openedIn(news), [], 'three names are no attack yet');

    const [follower] = await followers();
    assert.ok(follower !== undefined);
    process.kill(follower, 'SIGKILL');
    await guessNames(postfix.address, ['d', 'e']);
    await journal.settle();
    await guard.caughtUp();
    assert.deepEqual(
      openedIn(news).map(({ attack, actors, eventsBeforeRecognition }) => [
        attack,
        actors[0]?.value,
        eventsBeforeRecognition,
      ]),
      // Recognised at the fifth name; three of them are this guard's own evidence.
      [['dictionary', client, 3]],
    );
    assert.ok(news.some((item) => item.kind === 'problem' && item.text.startsWith('journalctl ended')));
    assert.match(await postern('analyze', 'journal'), /dictionary[^]*203\.0\.113\.77/);
  } finally {
    await guard.stop();
    await rm(state, { recursive: true });
  }
});

test('a long line comes whole out of the journal', { skip: labClosed }, async () => {
  await using journal = await startJournal();
  const long = `long ${'x'.repeat(6000)} end`;
  await runCommand('logger', ['--size', '8192', '-p', 'mail.info', '-t', 'lab', long]);
  await journal.settle();
  let text = '';
  for await (const chunk of readJournal()) text += chunk;
  const messages = text.split('\n').flatMap((line) => readJournalJson(line)?.message ?? []);
  assert.ok(messages.includes('mark 1.'));
  assert.ok(messages.includes(long));
});
