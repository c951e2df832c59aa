/**
 * A stolen account that is not hurried: thirty messages an hour through a real server, three of ten to nobody, in real time.
 * How many go out before the account is held? Among accounts that nobody knew before.
 *
 *   node test/run.mjs --run bench/stolen/slow-thief.ts test/ --server Postfix [--an-hour 30] [--most 60]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startGuard } from '../../src/guard/run.ts';
import { startWorld } from '../../test/servers/lab/world.ts';
import { mailServers } from '../../test/stories/mail-servers.ts';
import { deedsIn, logIn, settingsAt } from '../../test/stories/postmaster.ts';
import type { GuardNews } from '../../src/guard/notices/news.ts';

const { values: options } = parseArgs({
  options: {
    server: { type: 'string', default: 'Postfix' },
    'an-hour': { type: 'string', default: '30' },
    most: { type: 'string', default: '60' },
  },
  allowPositionals: true,
});
const gapMs = 3_600_000 / Number(options['an-hour']);
const most = Number(options.most);
const mailServer = mailServers.find(({ name }) => name === options.server);
if (mailServer === undefined) throw new Error(`--server: one of ${mailServers.map(({ name }) => name).join(', ')}`);

/** Of ten the first, fourth and seventh. */
const isDead = (at: number): boolean => [0, 3, 6].includes(at % 10);

await using world = await startWorld();
await using server = await mailServer.start(world);
const state = await mkdtemp(join(tmpdir(), 'postern-thief-'));
const news: GuardNews[] = [];
const settings = settingsAt(state, mailServer.hook).set('logs', [server.log]);
const guard = await startGuard(
  settings.set(`${mailServer.hook}.listen`, mailServer.listen),
  (item) => void news.push(item),
);
const began = Date.now();
let sent = 0;
let fate = '';
for (; sent <= most && fate !== 'held'; sent++) {
  const due = pause(gapMs);
  const smtp = await logIn(server.address, '203.0.113.50', 'alice');
  const recipient = `${isDead(sent) ? 'bounce' : 'victim'}-${sent}@remote.test`;
  await smtp.send('alice@lab.test', [recipient], `Subject: to ${recipient}\n\nbuy`);
  smtp.hangUp();
  fate = await server.fateOf(recipient);
  process.stderr.write(`${sent}: ${fate} after ${Math.round((Date.now() - began) / 60_000)} minutes\n`);
  if (fate !== 'held') await due;
}
await guard.settled();
const minutes = Math.round((Date.now() - began) / 60_000);
console.log(
  fate === 'held'
    ? `${mailServer.name}: ${sent - 1} messages at ${options['an-hour']} an hour before the first was held, after ${minutes} minutes`
    : `${mailServer.name}: not held within ${most} messages`,
);
console.log(deedsIn(news).join('\n'));
await guard.stop();
await rm(state, { recursive: true });
