/** One guard, many places: more ports, IPv6, and a server of its own behind each, here Postfix beside a plain server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitPorts } from '../lab/await.ts';
import { dialSmtp } from '../lab/dialogue.ts';
import type { SmtpDialogue } from '../lab/dialogue.ts';
import { labClosed } from '../lab/door.ts';
import { startLibrary } from '../lab/library.ts';
import { hasIPv6, hosts } from '../lab/network.ts';
import { startPostfix } from '../lab/postfix.ts';
import { startWorld } from '../lab/world.ts';
import { runGate } from './running.ts';

const from = '203.0.113.5';
const client6 = '2001:db8::5';

const deliver = async (smtp: SmtpDialogue, recipient: string): Promise<string> => {
  const { text } = await smtp.send('s@remote.test', [recipient], 'Subject: which way\n\nx\n');
  await smtp.quit();
  return text;
};

const hello = async (to: string, port: number): Promise<SmtpDialogue> => {
  const smtp = await dialSmtp({ from: to === '::1' ? client6 : from, to, port });
  await smtp.say('EHLO client.test', 250);
  return smtp;
};

const logIn = async (port: number): Promise<SmtpDialogue> => {
  const smtp = await hello('127.0.0.1', port);
  await smtp.startTls();
  await smtp.say('EHLO client.test', 250);
  await smtp.authPlain('alice@lab.test', 'alicepw', 235);
  return smtp;
};

test('each place has the server that was named for it', { skip: labClosed }, async () => {
  await using world = await startWorld();
  await using library = await startLibrary();
  await using postfix = await startPostfix({
    mainCf: { smtpd_authorized_xclient_hosts: '127.0.0.0/8, 192.0.2.0/24' },
  });
  const also = ['127.0.0.1:2626', `127.0.0.1:2627=${postfix.address}:25`, ...(hasIPv6 ? ['[::1]:2525'] : [])];
  await using gate = await runGate('submission', 2587, [
    `gate: { listen: "127.0.0.1:2525", backend: "${library.address}:25", protect: [lab.test], greetPauseMs: 0, senderDomains: off, also: ${JSON.stringify(also)} }`,
    `submission: { backend: "${hosts.nobody}:587", also: ["127.0.0.1:2588=${postfix.address}:587"] }`,
  ]);
  assert.ok(gate);
  await awaitPorts('127.0.0.1', [2525, 2626, 2627, 2588]);
  assert.match(await deliver(await hello('127.0.0.1', 2525), 'a@lab.test'), /taken as/);
  assert.match(await deliver(await hello('127.0.0.1', 2626), 'b@lab.test'), /taken as/);
  assert.match(await deliver(await hello('127.0.0.1', 2627), 'alice@lab.test'), /queued as/);
  if (hasIPv6) assert.match(await deliver(await hello('::1', 2525), 'c@lab.test'), /taken as/);
  assert.equal(library.messages().length, hasIPv6 ? 3 : 2);

  const stranger = await hello('127.0.0.1', 2588);
  await stranger.say('MAIL FROM:<s@remote.test>', 530);
  await stranger.quit();
  assert.match(await deliver(await logIn(2588), 'x@remote.test'), /queued as/);
  assert.equal((await world.sink.messageTo('x@remote.test')).sender, 's@remote.test');
});
