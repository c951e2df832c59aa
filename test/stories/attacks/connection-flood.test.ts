/**
 * A flood of connections from many addresses. What the server's own limits leave of it, as `postern setup` sets them; what the
 * firewall leaves of it; and that an honest client is served all the while.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { readConfig } from '../../../src/guard/config.ts';
import type { GuardNews } from '../../../src/guard/notices/news.ts';
import { startGuard } from '../../../src/guard/run.ts';
import { awaitLine, awaitPorts, linesOf, until } from '../../servers/lab/await.ts';
import { runCommand } from '../../servers/lab/daemon.ts';
import { dialImap, dialSmtp } from '../../servers/lab/dialogue.ts';
import type { SmtpDialogue } from '../../servers/lab/dialogue.ts';
import { labClosed } from '../../servers/lab/door.ts';
import { startExim } from '../../servers/lab/exim.ts';
import { reloadPostfix, startPostfix } from '../../servers/lab/postfix.ts';
import { startSendmail } from '../../servers/lab/sendmail.ts';
import { startWorld } from '../../servers/lab/world.ts';
import type { World } from '../../servers/lab/world.ts';
import { openedIn } from '../postmaster.ts';
import { numbered } from './arena.ts';

const flooders = Array.from({ length: 8 }, (_, at) => `48.${at}.1.80`);
const honest = '198.51.100.80';
const limits = { atOnce: 5, perMinute: 20 };
const eachOpens = 30;
const postern = join(import.meta.dirname, '../../../src/cli/main.ts');

const withoutLines = (path: string, pattern: RegExp): void =>
  writeFileSync(path, readFileSync(path, 'latin1').replaceAll(pattern, ''), 'latin1');

type Run = (...args: readonly string[]) => Promise<string>;
type Site = { readonly address: string; readonly known: string } & AsyncDisposable;
type Stage = {
  readonly name: string;
  /** A server without any limit of a client's connections. */
  readonly start: (world: World) => Promise<Site>;
  /** As docs/setup.md says. */
  readonly limit: (run: Run, world: World) => Promise<unknown>;
  readonly log: (world: World) => string;
};

const makeAccess = async (run: Run): Promise<void> => {
  const rows = (await run('setup', 'sendmail', '--print')).split('\n').filter((line) => /^Client|^Greet/.test(line));
  assert.ok(rows.length >= 4, 'the rows of the access map');
  await writeAccess([...rows, 'Connect:192.0.2.27\tRELAY']);
};
const writeAccess = async (rows: readonly string[]): Promise<void> => {
  await runCommand('/usr/local/sbin/makemap', ['hash', '/etc/mail/access.db'], `${rows.join('\n')}\n`);
};

const stages: readonly Stage[] = [
  {
    name: 'Postfix',
    start: async () => {
      const postfix = await startPostfix();
      withoutLines('/etc/postfix/main.cf', /^smtpd_client_connection_.*\n/gm);
      await reloadPostfix();
      return { address: postfix.address, known: 'alice@lab.test', [Symbol.asyncDispose]: () => postfix.stop() };
    },
    limit: (run) => run('setup', 'postfix', '--limits', '--apply'),
    log: (world) => world.log.iso,
  },
  {
    name: 'Exim',
    start: async () => {
      const exim = await startExim({
        edit: (config) =>
          config.replace(/^smtp_accept_max_per_host.*\n/m, '').replace(/ {2}defer ratelimit[^]*?(?= {2}accept)/, ''),
      });
      return { address: exim.address, known: 'alice@lab.test', [Symbol.asyncDispose]: () => exim.stop() };
    },
    limit: (run) => run('setup', 'exim', '--limits', '--apply'),
    log: () => '/var/log/exim4/mainlog',
  },
  {
    name: 'Sendmail',
    start: async () => {
      const sendmail = await startSendmail();
      await runCommand('ln', ['-sf', sendmail.program.replace(/sendmail$/, 'makemap'), '/usr/local/sbin/makemap']);
      await writeAccess(['Connect:192.0.2.27\tRELAY']);
      return { address: sendmail.address, known: 'laba@mx.lab.test', [Symbol.asyncDispose]: () => sendmail.stop() };
    },
    limit: async (run) => {
      await run('setup', 'sendmail', '--apply');
      await makeAccess(run);
    },
    log: (world) => world.log.iso,
  },
];

const startsIn = (path: string): number =>
  linesOf(path).filter((line) => /: starting daemon|daemon started|: reload -- version/.test(line)).length;

const open = async (from: string, to: string, count: number): Promise<readonly SmtpDialogue[]> => {
  const opened: SmtpDialogue[] = [];
  for (let at = 0; at < count; at++) opened.push(await dialSmtp({ from, to, port: 25 }));
  return opened;
};
const isServed = ({ greeting }: SmtpDialogue): boolean => greeting.code === 220;

const floodsMax = 5;
/** One more connection after a flood. On a slow machine the minute that counts may be over by then: it floods once more. */
const knockAgain = async (
  from: string,
  to: string,
  caughtUp: () => Promise<void>,
): Promise<SmtpDialogue['greeting']> => {
  for (let flood = 0; ; flood++) {
    const [one] = await open(from, to, 1);
    const greeting = one?.greeting ?? assert.fail();
    one?.hangUp();
    if (greeting.code === 421 || flood === floodsMax) return greeting;
    for (const smtp of await open(from, to, eachOpens)) smtp.hangUp();
    await caughtUp();
  }
};

const post = async (from: string, { address, known }: Site): Promise<void> => {
  const smtp = await dialSmtp({ from, to: address, port: 25 });
  await smtp.say('EHLO client.test', 250);
  await smtp.send('s@remote.test', [known], 'Subject: hello\n\nin the middle of a flood\n');
  await smtp.quit();
};

const blockedPackets = async (): Promise<number> =>
  Number(/packets (\d+)/.exec(await runCommand('nft', ['list', 'counter', 'inet', 'postern', 'blocked']))?.[1] ?? 0);

/** Resolves when the firewall has counted a packet of this attempt. */
const isDropped = async (from: string, host: string, port: number): Promise<boolean> => {
  const before = await blockedPackets();
  const socket = connect({ host, port, localAddress: from });
  let isConnected = false;
  let dropped = false;
  socket.on('connect', () => (isConnected = true));
  while (!dropped && !isConnected) dropped = (await blockedPackets()) > before;
  socket.destroy();
  return dropped;
};

/** A guard that follows this log, and the command line beside it. @param blocks whether it shuts out who floods */
const underGuard = async (
  world: World,
  log: string,
  blocks: boolean,
  play: (run: Run, heard: () => readonly GuardNews[], caughtUp: () => Promise<void>) => Promise<void>,
): Promise<void> => {
  const state = mkdtempSync('/run/postern-flood-');
  const config = join(state, 'postern.yaml');
  const detectors = `actions:\n  detectors:\n    connection-flood: ${blocks ? 'enforce' : 'observe'}\n`;
  const numbers = `gate:\n  limits:\n    connectionsAtOnce: ${limits.atOnce}\n    connectionsPerMinute: ${limits.perMinute}\n`;
  writeFileSync(config, `state: ${state}\nlogs: [${log}]\njudge:\n  learning: 0\n${detectors}${numbers}`);
  const news: GuardNews[] = [];
  const guard = await startGuard(readConfig(config).values, (item) => news.push(item));
  try {
    await play(
      (...args) => runCommand(process.execPath, [postern, ...args, '--config', config]),
      () => news,
      async () => {
        await world.log.settle();
        await guard.caughtUp();
      },
    );
  } finally {
    await guard.stop();
    await runCommand('nft', ['flush', 'ruleset']);
    rmSync(state, { recursive: true });
  }
};

const blockedNow = async (): Promise<string> =>
  runCommand('nft', ['list', 'set', 'inet', 'postern', 'block32']).catch(() => '');

/** Until the kernel holds every one of them. */
const areBlocked = async (): Promise<void> => {
  let text = '';
  await until(
    () => `not all are blocked: ${text}`,
    async () => {
      text = await blockedNow();
      return flooders.every((flooder) => text.includes(flooder));
    },
  );
};

/** Sixty at once are too many, and one each two seconds: a slow machine needs more. */
const wavesMax = 1000;
const perWave = 10;
/** Each connects again and again until the kernel holds it; one that is dropped meanwhile hears nothing. */
const knockUntilBlocked = async (
  target: { readonly host: string; readonly port: number },
  caughtUp: () => Promise<void>,
): Promise<void> => {
  await Promise.all(
    flooders.map(async (localAddress) => {
      const knock = async (): Promise<void> => {
        const socket = connect({ ...target, localAddress });
        await once(socket, 'data', { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
        socket.destroy();
      };
      for (let wave = 0; wave < wavesMax && !(await blockedNow()).includes(localAddress); wave++) {
        await Promise.all(Array.from({ length: perWave }, knock));
        await caughtUp();
      }
    }),
  );
  await areBlocked();
};

for (const { name, start, limit, log } of stages)
  test(`${name}: a flood of connections from many addresses`, { skip: labClosed }, async (t: TestContext) => {
    await using world = await startWorld();
    await using site = await start(world);
    // Nobody is shut out yet, or some would hear nothing any more in the middle of it.
    await underGuard(world, log(world), false, async (run, _heard, caughtUp) => {
      const free = await open('48.100.1.80', site.address, eachOpens);
      assert.equal(free.filter(isServed).length, eachOpens, 'without limits one address has what it wants');
      for (const smtp of free) smtp.hangUp();

      const before = startsIn(log(world));
      await limit(run, world);
      // A new configuration makes it begin anew: whoever knocks meanwhile may hang, or meet the old one.
      await awaitLine(log(world), 'its restart', () => startsIn(log(world)) > before);
      await awaitPorts(site.address, [25]);
      const held = await Promise.all(flooders.map((flooder) => open(flooder, site.address, eachOpens)));
      const served = held.map((all) => all.filter(isServed).length);
      await post(honest, site);
      for (const smtp of held.flat()) smtp.hangUp();
      t.diagnostic(`${name}: of ${eachOpens} connections each, served ${served.join(' ')}`);
      assert.ok(
        served.every((count) => count <= limits.atOnce),
        `${served.join(' ')} served at once`,
      );
      assert.ok(held.flat().every((smtp) => isServed(smtp) || smtp.greeting.code === 421 || smtp.greeting.code === 0));
      await caughtUp();
      // Exim has room again; the others count what there was within a minute themselves.
      const again = await knockAgain(flooders[0] ?? '', site.address, caughtUp);
      assert.equal(again.code, 421);
      if (name === 'Exim') assert.match(again.text, /Too many connections, try again later/);
    });

    // They go on: the firewall is for that.
    await underGuard(world, log(world), true, async (_run, heard, caughtUp) => {
      await knockUntilBlocked({ host: site.address, port: 25 }, caughtUp);
      assert.ok(
        openedIn(heard()).some(({ attack }) => attack === 'connection-flood'),
        'it has its name',
      );
      for (const flooder of flooders) assert.ok(await isDropped(flooder, site.address, 25), `${flooder} is shut out`);
      await post(honest, site);
      await post('198.51.100.81', site);
    });
  });

test('Dovecot: a flood of connections from many addresses', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  const { address } = world.dovecot;
  const logIn = async (from: string, account = 'alice'): Promise<{ status: string; hangUp: () => void }> => {
    const imap = await dialImap({ from, to: address, port: 143 });
    const { status } = await imap.say(`LOGIN ${account}@lab.test ${account}pw`);
    return { status, hangUp: imap.hangUp };
  };
  await underGuard(world, world.log.iso, true, async (_run, heard, caughtUp) => {
    const sessions = [];
    for (const _ of numbered('login', 10)) sessions.push(await logIn('48.100.1.80'));
    const count = sessions.filter(({ status }) => status === 'OK').length;
    t.diagnostic(`Dovecot: of 10 sessions of one account from one address, ${count} are open`);
    assert.equal(count, 3, 'mail_max_userip_connections of the lab');
    assert.equal((await logIn(honest)).status, 'OK', 'the same account from home');
    for (const { hangUp } of sessions) hangUp();

    await knockUntilBlocked({ host: address, port: 143 }, caughtUp);
    assert.ok(openedIn(heard()).some(({ attack }) => attack === 'connection-flood'));
    for (const flooder of flooders) assert.ok(await isDropped(flooder, address, 143), `${flooder} is shut out`);
    assert.equal((await logIn(honest, 'bob')).status, 'OK');
  });
});
