/**
 * Who the client is, through everything that stands between: a load balancer in front (PROXY v1 and v2 of a real swaks), and the
 * server behind, which learns of it by XCLIENT, by a PROXY header or by a Received line. Over IPv4 and IPv6.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { awaitLine, awaitPorts } from '../lab/await.ts';
import { runCommand } from '../lab/daemon.ts';
import { dialSmtp } from '../lab/dialogue.ts';
import { labClosed } from '../lab/door.ts';
import { startExim } from '../lab/exim.ts';
import { startLibrary } from '../lab/library.ts';
import { hasIPv6, hosts } from '../lab/network.ts';
import { startPostfix } from '../lab/postfix.ts';
import { startWorld } from '../lab/world.ts';
import { openWire } from '../lab/wire.ts';
import { behind, openGate, port } from './scene.ts';
import type { Scene } from './scene.ts';

const balancer = '198.51.100.1';

/** Through the balancer, as it tells of the client. */
const swaks = (proxy: string): Promise<string> => {
  const line = `--server 127.0.0.1:${port} --local-interface ${balancer} ${proxy} --from s@remote.test --to alice@lab.test`;
  return runCommand('swaks', line.split(' '));
};

const told = (version: string, family: string, source: string, to: string): string =>
  `--proxy-version ${version} --proxy-family ${family} --proxy-source ${source} --proxy-source-port 4711 --proxy-dest ${to} --proxy-dest-port 25`;

const clientsOf = (scene: Scene): readonly unknown[] =>
  scene.told.filter(({ kind }) => kind === 'message').map(({ client }) => client);

test('behind a load balancer the client is whom the PROXY header names', { skip: labClosed }, async (t) => {
  const scene = await openGate(t, { proxied: true });
  await swaks(told('1', 'TCP4', '203.0.113.7', '192.0.2.1'));
  await swaks(told('1', 'TCP6', '2001:db8::7', '2001:db8::1'));
  await swaks(told('2', 'AF_INET', '203.0.113.8', '192.0.2.1'));
  await swaks(told('2', 'AF_INET6', '2001:db8::8', '2001:db8::1'));
  assert.deepEqual(clientsOf(scene), ['203.0.113.7', '2001:db8::7', '203.0.113.8', '2001:db8::8']);
  // The balancer's own look whether the gate is well; for version 2 by hand, swaks makes no header of it.
  await swaks('--proxy-version 1 --proxy UNKNOWN');
  const look = await openWire({ from: balancer, to: '127.0.0.1', port });
  look.write('\r\n\r\n\0\r\nQUIT\n\u0020\0\0\0');
  assert.match((await look.readLine()) ?? '', /^220 /);
  look.hangUp();
  assert.deepEqual(clientsOf(scene).slice(4), [balancer]);
  assert.equal(scene.told.findLast(({ kind }) => kind === 'connect')?.client, balancer);
  // Who does not come through it is nobody.
  const asked = scene.asked.length;
  for (const start of [
    'EHLO x\r\n',
    'PROXY TCP4 nonsense\r\n',
    'PROXY TCP4 1.2.3.4 1.2.3.4 99999 25\r\n',
    '\r\n\r\n\0\r\nQUIT\nX---',
  ]) {
    const wire = await openWire({ from: '203.0.113.66', to: '127.0.0.1', port });
    wire.write(start);
    assert.equal(await wire.readLine(), undefined, JSON.stringify(start));
  }
  assert.equal(scene.asked.length, asked);
});

test('behind a load balancer: TLS from the first byte, and who talks too early', { skip: labClosed }, async (t) => {
  await t.test('TLS', async (inner) => {
    const scene = await openGate(inner, { proxied: true, implicitTls: true });
    await swaks(`${told('2', 'AF_INET', '203.0.113.8', '192.0.2.1')} --tls-on-connect`);
    assert.deepEqual(clientsOf(scene), ['203.0.113.8']);
  });
  await t.test('early', async (inner) => {
    const scene = await openGate(inner, { proxied: true, greetPauseMs: 30_000 });
    const header = 'PROXY TCP4 203.0.113.9 192.0.2.1 4711 25\r\n';
    for (const early of [[`${header}EHLO early.test\r\n`], [header, 'EHLO early.test\r\n']]) {
      const wire = await openWire({ from: balancer, to: '127.0.0.1', port });
      for (const part of early) {
        wire.write(part);
        if (part === header) assert.match((await wire.readLine()) ?? '', /^220-/);
      }
      const heard = [];
      for (let line = await wire.readLine(); line !== undefined; line = await wire.readLine()) heard.push(line);
      assert.match(heard.at(-1) ?? '', /^554 /);
    }
    const early = scene.told.filter(({ kind }) => kind === 'early-talk');
    assert.deepEqual(
      early.map(({ client }) => client),
      ['203.0.113.9', '203.0.113.9'],
    );
  });
});

type Play = { readonly from: string; readonly to: string };
const families: readonly Play[] = [
  { from: '203.0.113.77', to: '127.0.0.1' },
  ...(hasIPv6 ? [{ from: '2001:db8::77', to: '::1' }] : []),
];

const deliver = async ({ from, to }: Play): Promise<void> => {
  const smtp = await dialSmtp({ from, to, port });
  const { text } = await smtp.say('EHLO client.test', 250);
  assert.match(text, /^SIZE \d+$/m, 'the server behind was asked what it offers');
  await smtp.send('s@remote.test', ['alice@lab.test'], 'Subject: who am I\n\nx\n');
  await smtp.quit();
};

/** @param told a line of the server's log that names the client */
const eachFamily = async (
  t: TestContext,
  settings: Parameters<typeof openGate>[1],
  log: string,
  isTold: (line: string, client: string) => boolean,
): Promise<void> => {
  for (const play of families)
    await t.test(play.from, async (inner) => {
      await openGate(inner, settings, play.to);
      await deliver(play);
      await awaitLine(log, `the client ${play.from}`, (line) => isTold(line, play.from));
    });
};

test('Postfix learns of the client by XCLIENT, and by a PROXY header', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  await using postfix = await startPostfix({
    mainCf: { smtpd_authorized_xclient_hosts: '127.0.0.0/8, 192.0.2.0/24' },
    masterCf:
      '192.0.2.25:2526 inet n - n - - smtpd\n  -o syslog_name=postfix/proxied\n  -o smtpd_upstream_proxy_protocol=haproxy',
  });
  const isTold = (service: string) => (line: string, client: string) =>
    line.includes(`${service}/smtpd`) && line.includes(': client=') && line.includes(`[${client}]`);
  await t.test('XCLIENT', (inner) =>
    eachFamily(inner, { backend: behind(postfix.address) }, world.log.traditional, isTold('postfix')),
  );
  await t.test('PROXY', (inner) => {
    const backend = behind(postfix.address, 2526, 30_000, 'proxy');
    return eachFamily(inner, { backend }, world.log.traditional, isTold('postfix/proxied'));
  });
});

test('Exim learns of the client by a PROXY header', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  assert.ok(world);
  const edit = (config: string): string => config.replace('\nacl_smtp_connect', '\nhosts_proxy = *\nacl_smtp_connect');
  await using exim = await startExim({ edit });
  const isTold = (line: string, client: string): boolean => line.includes(' <= ') && line.includes(`[${client}]`);
  await eachFamily(t, { backend: behind(exim.address, 25, 30_000, 'proxy') }, exim.mainLog, isTold);
});

/** Dovecot takes the header from the gate alone, asks for the login itself, and hands the mail to Postfix. */
const dovecotSubmission = `
protocols = imap pop3 lmtp submission
haproxy_trusted_networks = 127.0.0.0/8 192.0.2.0/24
submission_relay_host = ${hosts.postfix}
service submission-login {
  inet_listener submission {
    haproxy = yes
    port = 587
  }
}`;

test(
  'Dovecot submission learns of the client by a PROXY header, and gets its login',
  { skip: labClosed },
  async (t) => {
    await using world = await startWorld(dovecotSubmission);
    const { address } = world.dovecot;
    await awaitPorts(address, [587]);
    await using postfix = await startPostfix({ mainCf: { mynetworks: '127.0.0.0/8, 192.0.2.0/24' } });
    assert.ok(postfix);
    for (const { from, to } of families)
      await t.test(from, async (inner) => {
        const backend = behind(address, 587, 30_000, 'proxy');
        await openGate(inner, { backend, requiresAuth: true, domains: undefined }, to);
        const smtp = await dialSmtp({ from, to, port });
        await smtp.say('EHLO client.test', 250);
        await smtp.startTls();
        assert.match((await smtp.say('EHLO client.test', 250)).text, /^AUTH .*\bPLAIN\b/m);
        await smtp.authPlain('alice@lab.test', 'wrong', 535);
        await smtp.authPlain('alice@lab.test', 'alicepw', 235);
        const recipient = `by-${from.replaceAll(/[.:]/g, '-')}@remote.test`;
        await smtp.send('alice@lab.test', [recipient], 'Subject: out\n\nthrough Dovecot\n');
        await smtp.quit();
        const { sender, data } = await world.sink.messageTo(recipient);
        assert.equal(sender, 'alice@lab.test');
        assert.match(data, /through Dovecot/);
        for (const words of [`(alice@lab.test,${from},`, `Login: user=<alice@lab.test>, method=PLAIN, rip=${from},`])
          await awaitLine(world.log.traditional, words, (line) => line.includes(words));
      });
  },
);

test('any other server finds the client in a Received line', { skip: labClosed }, async (t) => {
  await using library = await startLibrary();
  for (const play of families)
    await t.test(play.from, async (inner) => {
      await openGate(inner, { backend: behind(library.address) }, play.to);
      await deliver(play);
      assert.ok(library.messages().some((message) => message.includes(`Received: from client.test ([${play.from}])`)));
    });
});

test('port 465: TLS from the first byte', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  await using postfix = await startPostfix({
    mainCf: { smtpd_authorized_xclient_hosts: '127.0.0.0/8, 192.0.2.0/24' },
  });
  const scene = await openGate(t, {
    backend: behind(postfix.address, 587),
    implicitTls: true,
    requiresAuth: true,
  });
  const login = '--tls-on-connect --auth LOGIN --auth-user alice@lab.test --auth-password alicepw';
  const line = `--server 127.0.0.1:${port} --local-interface 203.0.113.5 ${login} --from alice@lab.test --to tls@remote.test`;
  await runCommand('swaks', line.split(' '));
  assert.equal((await world.sink.messageTo('tls@remote.test')).sender, 'alice@lab.test');
  const clear = await openWire({ from: '203.0.113.6', to: '127.0.0.1', port });
  clear.write('EHLO clear.test\r\n');
  while ((await clear.readLine()) !== undefined);
  await scene.until(({ kind, client }) => kind === 'disconnect' && client === '203.0.113.6');
  assert.ok(
    scene.asked.every(({ helo }) => helo !== 'clear.test'),
    'nothing is read in the clear',
  );
  await world.log.settle();
  assert.match(readFileSync(world.log.traditional, 'latin1'), /client=.*\[203\.0\.113\.5\], sasl_method=LOGIN/);
});
