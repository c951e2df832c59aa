/**
 * A storm of sender domains that do not exist, from many addresses. A real name server (NSD) counts what our own checks ask it:
 * first with the server alone, then with Postern asked before them. Who was good before is served all the while.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { GuardNews } from '../../../src/guard/notices/news.ts';
import { readConfig } from '../../../src/guard/config.ts';
import { startGuard } from '../../../src/guard/run.ts';
import { awaitLine, awaitPorts, linesOf } from '../../servers/lab/await.ts';
import { runCommand } from '../../servers/lab/daemon.ts';
import { dialSmtp } from '../../servers/lab/dialogue.ts';
import { openGate } from '../../servers/gate/scene.ts';
import { labClosed } from '../../servers/lab/door.ts';
import { startExim } from '../../servers/lab/exim.ts';
import { hosts } from '../../servers/lab/network.ts';
import { startNsd } from '../../servers/lab/nsd.ts';
import type { Nsd } from '../../servers/lab/nsd.ts';
import { startPostfix } from '../../servers/lab/postfix.ts';
import { startSendmail } from '../../servers/lab/sendmail.ts';
import { startWorld } from '../../servers/lab/world.ts';
import type { World } from '../../servers/lab/world.ts';
import { openedIn } from '../postmaster.ts';

const postern = join(import.meta.dirname, '../../../src/cli/main.ts');
const clients = 40;
const sendersEach = 5;

/** There is `remote.test`, and nothing below `storm.test`; clients have no names. */
const zones = {
  test: ['remote MX 10 mx.remote', 'mx.remote A 192.0.2.99', 'mx.lab A 127.0.0.1', 'storm TXT "nothing here"'],
  'in-addr.arpa': ['postern TXT "no names"'],
};

type Site = { readonly address: string; readonly known: string } & AsyncDisposable;
type Stage = {
  readonly name: string;
  /** A server that looks for the sender's domain. */
  readonly start: () => Promise<Site>;
  readonly log: (world: World) => string;
  readonly isRestarted: boolean;
};

const stages: readonly Stage[] = [
  {
    name: 'postfix',
    start: async () => {
      const mainCf = {
        smtpd_sender_restrictions: 'permit_mynetworks, reject_unknown_sender_domain',
        smtpd_client_connection_rate_limit: '0',
        smtpd_client_message_rate_limit: '0',
      };
      const postfix = await startPostfix({ mainCf });
      return { address: postfix.address, known: 'alice@lab.test', [Symbol.asyncDispose]: () => postfix.stop() };
    },
    log: (world) => world.log.iso,
    isRestarted: false,
  },
  {
    name: 'exim',
    start: async () => {
      const exim = await startExim({
        edit: (config) =>
          config
            .replace(/ {2}defer ratelimit[^]*?(?= {2}accept)/, '')
            .replace('  require verify = recipient\n', '  require verify = sender\n  require verify = recipient\n'),
      });
      return { address: exim.address, known: 'alice@lab.test', [Symbol.asyncDispose]: () => exim.stop() };
    },
    log: () => '/var/log/exim4/mainlog',
    isRestarted: true,
  },
  {
    name: 'sendmail',
    start: async () => {
      const sendmail = await startSendmail("undefine(`_ACCEPT_UNRESOLVABLE_DOMAINS_')dnl\n");
      return { address: sendmail.address, known: 'laba@mx.lab.test', [Symbol.asyncDispose]: () => sendmail.stop() };
    },
    log: (world) => world.log.iso,
    isRestarted: true,
  },
];

/** Up to the recipient. @returns the last reply */
const offer = async (
  { address, known, port = 25 }: Pick<Site, 'address' | 'known'> & { readonly port?: number },
  from: string,
  sender: string,
): Promise<string> => {
  const smtp = await dialSmtp({ from, to: address, port });
  let reply = smtp.greeting;
  for (const line of ['EHLO client.test', `MAIL FROM:<${sender}>`, `RCPT TO:<${known}>`]) {
    if (reply.code !== 220 && reply.code !== 250) break;
    reply = await smtp.say(line);
  }
  smtp.hangUp();
  return `${reply.code} ${reply.text}`;
};

const post = async ({ address, known }: Site, from: string): Promise<void> => {
  const smtp = await dialSmtp({ from, to: address, port: 25 });
  await smtp.say('EHLO client.test', 250);
  await smtp.send('s@remote.test', [known], 'Subject: hello\n\nin the middle of a storm\n');
  await smtp.quit();
};

type Storm = { readonly questions: number; readonly replies: readonly string[] };
/** Every client comes with domains that nobody else has, one a session. @param net tells one storm's clients from another's */
const rage = async (site: Site, nsd: Nsd, net: number, caughtUp = async (): Promise<void> => {}): Promise<Storm> => {
  const before = await nsd.questions();
  const replies: string[] = [];
  for (let at = 0; at < sendersEach; at++)
    for (let client = 0; client < clients; client++) {
      replies.push(await offer(site, `${net}.${client}.3.7`, `s@n${net}-${client}-${at}.storm.test`));
      await caughtUp();
    }
  return { questions: (await nsd.questions()) - before, replies };
};

test('the gate: lookups stay within the budget, and good mail passes', { skip: labClosed }, async (t) => {
  await using nsd = await startNsd(zones);
  const perMinuteMax = 20;
  const scene = await openGate(t, {
    origin: { checksSender: true, lists: [], refuseFrom: 1, servers: [{ host: hosts.names, port: 53 }], perMinuteMax },
  });
  const gate = { address: '127.0.0.1', known: 'alice@lab.test', port: 2525 };
  const before = await nsd.questions();
  const began = performance.now();
  const replies: string[] = [];
  for (let client = 0; client < 200; client++)
    replies.push(await offer(gate, `64.${client}.3.7`, `s@n${client}.storm.test`));
  const asked = (await nsd.questions()) - before;
  t.diagnostic(`gate: 200 domains cost ${asked} questions, with a budget of ${perMinuteMax} a minute`);
  const minutesMax = Math.ceil((performance.now() - began) / 60_000) + 1;
  assert.ok(asked >= perMinuteMax && asked <= minutesMax * perMinuteMax, `${asked} questions`);
  assert.ok(replies.filter((reply) => reply.startsWith('550 5.1.8')).length >= perMinuteMax);
  // What cannot be found out is held against nobody.
  assert.match(await offer(gate, '198.51.100.60', 's@remote.test'), /^250/);
  assert.ok(scene.told.some(({ reason, sender }) => reason === 'dns' && sender === 's@n0.storm.test'));
});

const resolvConf = '/etc/resolv.conf';
const startsIn = (path: string): number =>
  linesOf(path).filter((line) => /: starting daemon|daemon started/.test(line)).length;

for (const { name, start, log, isRestarted } of stages)
  test(`${name}: a storm of sender domains that do not exist`, { skip: labClosed }, async (t) => {
    await using world = await startWorld();
    await using nsd = await startNsd(zones);
    const ours = readFileSync(resolvConf);
    writeFileSync(resolvConf, `nameserver ${hosts.names}\noptions timeout:20 attempts:3\n`);
    const state = mkdtempSync('/run/postern-storm-');
    try {
      await using site = await start();
      const alone = await rage(site, nsd, 61);
      assert.ok(alone.questions >= clients * sendersEach, `${alone.questions}: each domain was looked for`);
      assert.ok(
        alone.replies.every((reply) => /^[45]/.test(reply)),
        alone.replies[0],
      );

      const config = join(state, 'postern.yaml');
      writeFileSync(config, `state: ${state}\nlogs: [${log(world)}]\njudge:\n  learning: 0\n`);
      const news: GuardNews[] = [];
      // What the log holds of the first storm is read too: it is forgotten with the file.
      await world.log.settle();
      writeFileSync(log(world), '');
      const guard = await startGuard(readConfig(config).values, (item) => news.push(item));
      const caughtUp = async (): Promise<void> => {
        await world.log.settle();
        await guard.caughtUp();
      };
      try {
        const before = startsIn(log(world));
        await runCommand(process.execPath, [postern, 'setup', name, '--apply', '--config', config]);
        if (isRestarted) await awaitLine(log(world), 'its restart', () => startsIn(log(world)) > before);
        await awaitPorts(site.address, [25]);
        await post(site, '198.51.100.60');
        await awaitLine(log(world), 'its delivery', (line) => / status=sent | => |stat=Sent/.test(line));
        await caughtUp();

        const guarded = await rage(site, nsd, 62, caughtUp);
        t.diagnostic(
          `${name}: ${clients * sendersEach} domains cost ${alone.questions} questions alone, ${guarded.questions} with Postern`,
        );
        assert.ok(guarded.questions * 3 < alone.questions, `${guarded.questions} of ${alone.questions} questions`);
        assert.ok(
          openedIn(news).some(({ attack }) => attack === 'dns-storm'),
          'it has its name',
        );
        await post(site, '198.51.100.60');
        assert.match(await offer(site, '63.1.1.1', 's@remote.test'), /^450 .*4\.2\.0/, 'a newcomer comes back later');
        assert.match(await offer(site, '63.1.1.2', ''), /^250/, 'a bounce costs no lookup');
      } finally {
        await guard.stop();
      }
    } finally {
      writeFileSync(resolvConf, ours);
      rmSync(state, { recursive: true });
    }
  });
