/** The server behind sees only survivors: who is refused at the gate costs it not even a connection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { stoppable } from '../lab/daemon.ts';
import type { Stoppable } from '../lab/daemon.ts';
import { dialSmtp } from '../lab/dialogue.ts';
import { labClosed } from '../lab/door.ts';
import { hosts } from '../lab/network.ts';
import { startPostfix } from '../lab/postfix.ts';
import { startWorld } from '../lab/world.ts';
import { accept, behind, dial, openGate, port } from './scene.ts';

const linePort = 10_587;

/** On the way to the server: counts the connections that get there. */
const startCounter = async (to: string, on: number): Promise<{ readonly connections: () => number } & Stoppable> => {
  let connections = 0;
  const server = createServer((here) => {
    connections++;
    const there = connect(on, to);
    for (const [end, other] of [
      [here, there],
      [there, here],
    ] as const)
      end.on('error', () => end.destroy()).on('close', () => other.destroy());
    here.pipe(there).pipe(here);
  }).listen(linePort, '127.0.0.1');
  await once(server, 'listening');
  return {
    connections: () => connections,
    ...stoppable(async () => {
      server.close();
      await Promise.resolve();
    }),
  };
};

test('who is refused at the gate costs the server behind no connection', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  assert.ok(world);
  await using postfix = await startPostfix({ mainCf: { smtpd_authorized_xclient_hosts: '127.0.0.0/8, 192.0.2.0/24' } });
  await using counter = await startCounter(postfix.address, 587);
  const scene = await openGate(t, { backend: behind('127.0.0.1', linePort), neverLogin: ['admin'], greetPauseMs: 300 });
  const first = await dial('203.0.113.1');
  await first.say('EHLO client.test', 250);
  // Asked once what it offers, for all.
  assert.equal(counter.connections(), 1);
  for (const line of ['MAIL FROM:<s@remote.test>', 'RSET', 'NOOP', 'VRFY alice']) await first.say(line, 2);
  await first.say('AUTH PLAIN AGEAYg==', 538);
  await first.say('MAIL FROM:<s@remote.test>', 250);
  await first.say('RCPT TO:<x@elsewhere.test>', 554);
  await first.say('DATA', 554);
  await first.quit();
  const early = await dialSmtp({ from: '203.0.113.2', to: '127.0.0.1', port }, 'EHLO early.test\r\n');
  await early.closed();
  const web = await dial('203.0.113.3');
  await web.say('GET / HTTP/1.1', 554);
  const login = await dial('203.0.113.4');
  await login.say('EHLO client.test', 250);
  await login.startTls();
  await login.say('EHLO client.test', 250);
  await login.authPlain('admin', 'admin', 535);
  await login.quit();
  scene.decide = ({ stage }) =>
    stage === 'recipient' || stage === 'auth'
      ? { kind: 'defer', reply: { code: '450', enhanced: '4.7.1', text: 'later' }, why: [] }
      : accept;
  const suspect = await dial('203.0.113.5');
  await suspect.say('EHLO client.test', 250);
  await suspect.say('MAIL FROM:<s@remote.test>', 250);
  await suspect.say('RCPT TO:<alice@lab.test>', 450);
  await suspect.startTls();
  await suspect.say('EHLO client.test', 250);
  await suspect.authPlain('alice@lab.test', 'alicepw', 450);
  await suspect.quit();
  assert.equal(counter.connections(), 1);

  scene.decide = () => accept;
  const good = await dial('203.0.113.6');
  await good.say('EHLO client.test', 250);
  await good.startTls();
  await good.say('EHLO client.test', 250);
  await good.authPlain('alice@lab.test', 'alicepw', 235);
  assert.equal(counter.connections(), 2);
  await good.send('alice@lab.test', ['x@remote.test'], 'Subject: x\n\nx\n');
  await good.quit();
  assert.equal(counter.connections(), 2);
});

test('nobody behind the gate: 451, whatever is asked, and mail when it is back', { skip: labClosed }, async (t) => {
  await openGate(t, { backend: behind(hosts.nobody), domains: ['lab.test'] });
  const smtp = await dial('203.0.113.1');
  const { text } = await smtp.say('EHLO client.test', 250);
  assert.doesNotMatch(text, /SIZE|AUTH/, 'what nobody offers is not announced');
  const heard = await smtp.pipeline([
    'MAIL FROM:<s@remote.test>',
    'RCPT TO:<alice@lab.test>',
    'RCPT TO:<bob@lab.test>',
    'DATA',
  ]);
  assert.deepEqual(
    heard.map(({ code }) => code),
    [250, 451, 451, 451],
  );
  await smtp.startTls();
  await smtp.say('EHLO client.test', 250);
  await smtp.authPlain('alice@lab.test', 'alicepw', 451);
  await smtp.quit();
});
