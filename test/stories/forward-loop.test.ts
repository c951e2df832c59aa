/**
 * An address here is forwarded to another server, where somebody forwards it back: each message goes round until a server counts
 * too many hops. Postern names the forward while the first message goes round and switches it off; a person switches it on again.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import { awaitLine } from '../servers/lab/await.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { dialSmtp } from '../servers/lab/dialogue.ts';
import { labClosed } from '../servers/lab/door.ts';
import { startExim } from '../servers/lab/exim.ts';
import { hosts } from '../servers/lab/network.ts';
import { reloadPostfix, startPostfix } from '../servers/lab/postfix.ts';
import { startSendmail } from '../servers/lab/sendmail.ts';
import { startWorld } from '../servers/lab/world.ts';
import type { World } from '../servers/lab/world.ts';
import { deedsIn, noLimits, openedIn, postern, settingsAt } from './postmaster.ts';

type Side = AsyncDisposable & { readonly address: string };
type Scene = {
  readonly name: string;
  /** Lets ring@lab.test be sent on to back@ring.test, and starts. @returns the log that tells of it */
  readonly here: (world: World) => Promise<Side & { readonly log: string; readonly file: string }>;
  /** Sends mail for back@ring.test to ring@lab.test at `home`. */
  readonly there: (home: string) => Promise<Side>;
};

const writeBefore = (file: string, lines: string): void =>
  writeFileSync(file, `${lines}${readFileSync(file, 'latin1')}`, 'latin1');

const withoutRates = (config: string): string =>
  config.replace(/defer ratelimit[\s\S]*?rate_period\n/, '').replace('smtp_accept_max_per_host = 5\n', '');

const eximThere: Scene['there'] = (home) =>
  startExim({
    edit: (config) =>
      withoutRates(config)
        .replace('primary_hostname = mx.lab.test', 'primary_hostname = mx.ring.test')
        // On one machine mail would have gone round as often as any server lets it before a map has been made anew.
        .replace('\nacl_smtp_rcpt', '\nacl_smtp_mail = slowly\nacl_smtp_rcpt')
        .replace('\nbegin acl\n', '\nbegin acl\n\nslowly:\n  accept delay = 1s\n')
        .replace('hostlist relay_from_hosts = 127.0.0.0/8', `hostlist relay_from_hosts = 127.0.0.0/8 : ${home}`)
        .replace(
          '\nbegin routers\n',
          `
begin routers

ring:
  driver = redirect
  domains = ring.test
  data = ring@lab.test

home:
  driver = manualroute
  domains = lab.test
  route_list = * ${home}
  transport = remote_smtp
`,
        ),
  });

const scenes: readonly Scene[] = [
  {
    name: 'Postfix',
    here: async (world) => {
      const file = '/etc/postfix/virtual';
      const postfix = await startPostfix({ mainCf: { ...noLimits, virtual_alias_maps: `hash:${file}` } });
      writeBefore(file, 'ring@lab.test back@ring.test\ntwin1@lab.test twin2@lab.test\ntwin2@lab.test twin1@lab.test\n');
      await runCommand('postmap', [`hash:${file}`]);
      await reloadPostfix();
      return { ...postfix, log: world.log.iso, file };
    },
    there: eximThere,
  },
  {
    name: 'Exim',
    here: async () => {
      const file = '/etc/exim4/valiases/lab.test';
      const exim = await startExim({
        edit: (config) =>
          withoutRates(config).replace(
            '\nbegin routers\n',
            `
begin routers

ring:
  driver = manualroute
  domains = ring.test
  route_list = * ${hosts.postfix}
  transport = remote_smtp
`,
          ),
      });
      writeBefore(
        file,
        'ring@lab.test: back@ring.test\ntwin1@lab.test: twin2@lab.test\ntwin2@lab.test: twin1@lab.test\n',
      );
      return { ...exim, log: exim.mainLog, file };
    },
    there: (home) =>
      startPostfix({
        mainCf: {
          ...noLimits,
          myhostname: 'mx.ring.test',
          virtual_mailbox_domains: 'elsewhere.test',
          virtual_alias_maps: 'inline:{back@ring.test=ring@lab.test}',
          mynetworks: '192.0.2.0/24',
          transport_maps: `inline:{lab.test=smtp:[${home}]}`,
          smtpd_recipient_restrictions: '',
        },
      }),
  },
  {
    name: 'Sendmail',
    here: async (world) => {
      const file = '/etc/mail/virtusertable';
      const sendmail = await startSendmail();
      writeBefore(file, 'ring@lab.test\tback@ring.test\ntwin1@lab.test\ttwin1\n');
      writeBefore('/etc/mail/aliases', 'twin1: twin2\ntwin2: twin1\n');
      await runCommand(sendmail.program, ['-bi']);
      const makemap = sendmail.program.replace(/sendmail$/, 'makemap');
      await runCommand(makemap, ['hash', file], readFileSync(file, 'latin1'));
      // In this machine only, where Postern looks for it.
      await runCommand('mount', ['-t', 'tmpfs', 'postern-programs', '/usr/local/sbin']);
      await runCommand('cp', [makemap, '/usr/local/sbin/makemap']);
      const stop = async (): Promise<void> => {
        await sendmail.stop();
        await runCommand('umount', ['/usr/local/sbin']);
      };
      return { address: sendmail.address, log: world.log.iso, file, [Symbol.asyncDispose]: stop };
    },
    there: eximThere,
  },
];

/** A stranger writes to the address. @returns the code of the reply to RCPT */
const write = async (address: string, mark: string): Promise<number> => {
  const smtp = await dialSmtp({ from: '203.0.113.7', to: address, port: 25 });
  await smtp.say('EHLO client.test', 250);
  await smtp.say('MAIL FROM:<friend@remote.test>', 250);
  const { code } = await smtp.say('RCPT TO:<ring@lab.test>');
  if (code === 250) await smtp.message(`Message-ID: <${mark}@remote.test>\nSubject: ${mark}\n\nhello`, 250);
  smtp.hangUp();
  return code;
};

for (const { name, here, there } of scenes)
  test(
    `${name}: a forward loop is named and switched off while its first message goes round`,
    { skip: labClosed },
    async () => {
      await using world = await startWorld();
      // What a test before left in the lab's own /etc is of servers that this machine does not have.
      for (const left of ['/etc/mail', '/etc/exim4']) rmSync(left, { recursive: true, force: true });
      await using server = await here(world);
      await using other = await there(server.address);
      assert.notEqual(other.address, server.address);
      const state = await mkdtemp(join(tmpdir(), 'postern-story-'));
      const news: GuardNews[] = [];
      const before = readFileSync(server.file, 'latin1');
      const guard = await startGuard(settingsAt(state, 'none').set('logs', [server.log]), (item) => news.push(item));
      try {
        assert.equal(await write(server.address, 'first'), 250);
        // The sender is told by one of the two: the message is not lost, and goes round no more.
        const bounce = await world.sink.messageTo('friend@remote.test');
        assert.match(bounce.data, /Subject: first/);
        await world.log.settle();
        await guard.caughtUp();
        await guard.settled();
        assert.deepEqual(
          openedIn(news).map(({ attack, actors, why }) => [attack, actors[0]?.value, /a forward loop/.test(why)]),
          [['outbound-flood', 'ring@lab.test', true]],
        );
        assert.match(deedsIn(news)[0] ?? '', /^ring@lab\.test is switched off: .*postern forwards on ring@lab\.test/);
        assert.equal(await write(server.address, 'second'), 550, 'refused as unknown, at once');

        await postern('forwards', 'on', 'ring@lab.test', '--state', state);
        assert.equal(readFileSync(server.file, 'latin1'), before, 'the file is what it was');
        // Two aliases here that name each other: the server itself lets nothing through.
        assert.match(await postern('forwards'), /LOOP: twin1(?:@lab\.test)? -> twin2(?:@lab\.test)? -> twin1/);
        assert.equal(await write(server.address, 'third'), 250);
        await awaitLine(server.log, 'the third message', (line) => line.includes('third@remote.test'));
      } finally {
        await guard.stop();
        await rm(state, { recursive: true });
      }
    },
  );
