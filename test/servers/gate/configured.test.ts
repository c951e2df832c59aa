/** The gate as one file sets it up, in a process of its own with the real judge: each key does what its page says, to real sessions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitLine, until } from '../lab/await.ts';
import { dialSmtp } from '../lab/dialogue.ts';
import type { SmtpDialogue } from '../lab/dialogue.ts';
import { labClosed } from '../lab/door.ts';
import { startLibrary } from '../lab/library.ts';
import { hosts } from '../lab/network.ts';
import { startNsd } from '../lab/nsd.ts';
import { startPostfix } from '../lab/postfix.ts';
import { startWorld } from '../lab/world.ts';
import { dial, port } from './scene.ts';
import { runGate } from './running.ts';

const submissionPort = 2587;
const xclient = { mainCf: { smtpd_authorized_xclient_hosts: '192.0.2.0/24, 127.0.0.0/8' } };

const hello = async (from: string): Promise<SmtpDialogue> => {
  const smtp = await dial(from);
  await smtp.say('EHLO client.test', 250);
  return smtp;
};

/** One recipient, and the message when it is taken. @returns what was said to RCPT */
const offer = async (from: string, sender: string, recipient: string): Promise<string> => {
  const smtp = await hello(from);
  await smtp.say(`MAIL FROM:<${sender}>`, 250);
  const { code, text } = await smtp.say(`RCPT TO:<${recipient}>`);
  if (code === 250) await smtp.message('Subject: x\n\nx\n', 250);
  await smtp.quit();
  return `${code} ${text}`;
};

const logIn = async (from: string, account: string, password: string, code: number): Promise<SmtpDialogue> => {
  const smtp = await dialSmtp({ from, to: '127.0.0.1', port: submissionPort });
  await smtp.say('EHLO client.test', 250);
  await smtp.startTls();
  await smtp.say('EHLO client.test', 250);
  await smtp.authPlain(account, password, code);
  return smtp;
};

test('names, limits, allowances, relaying, lists, and the pause for strangers', { skip: labClosed }, async () => {
  await using library = await startLibrary();
  await using nsd = await startNsd({ test: ['remote MX 10 mx.remote'], 'bad.lists': ['66.113.0.203 A 127.0.0.2'] });
  await using gate = await runGate('gate', port, [
    'gate:',
    `  backend: "${library.address}:25"`,
    '  protect: [lab.test]',
    '  name: mx.lab.test',
    '  greetPauseMs: 200',
    '  relayFrom: [203.0.6.0/25]',
    '  disabledCommands: [VRFY, bdat]',
    '  allowances: [198.51.100.0/24=2, 198.51.100.7=0]',
    '  limits: { recipientsPerMessage: 2, messagesPerConnection: 1 }',
    '  lists: [bad.lists=2]',
    `  resolvers: ["${hosts.names}"]`,
  ]);
  assert.ok(gate && nsd);
  const smtp = await dial('203.0.1.1');
  assert.equal(smtp.greeting.text, 'mx.lab.test ESMTP\nmx.lab.test ESMTP', 'a stranger waits between two lines');
  assert.doesNotMatch((await smtp.say('EHLO client.test', 250)).text, /CHUNKING/);
  await smtp.say('VRFY alice', 502);
  await smtp.say('BDAT 0 LAST', 502);
  await smtp.say('MAIL FROM:<s@remote.test>', 250);
  for (const code of [250, 250, 452]) await smtp.say('RCPT TO:<alice@lab.test>', code);
  await smtp.message('Subject: x\n\nx\n', 250);
  await smtp.say('MAIL FROM:<s@remote.test>', 421);

  const twice = await hello('198.51.100.1');
  await twice.say('MAIL FROM:<s@remote.test>', 250);
  for (const code of [250, 250, 250, 250, 452]) await twice.say('RCPT TO:<alice@lab.test>', code);
  await twice.quit();
  const free = await hello('198.51.100.7');
  await free.say('MAIL FROM:<s@remote.test>', 250);
  for (let at = 0; at < 10; at++) await free.say('RCPT TO:<alice@lab.test>', 250);
  await free.quit();

  assert.match(await offer('203.0.2.1', 's@remote.test', 'x@elsewhere.test'), /^554 5\.7\.1/);
  assert.match(await offer('203.0.6.1', 's@remote.test', 'x@elsewhere.test'), /^250/, 'one of ours');
  assert.match(await offer('203.0.113.66', 's@remote.test', 'alice@lab.test'), /^554 5\.7\.1 .*bad\.lists/);
  assert.match(await offer('203.0.3.1', 's@missing.test', 'alice@lab.test'), /^550 5\.1\.8/);

  // Who has delivered is known, and waits no more.
  assert.match(await offer('203.0.4.1', 's@remote.test', 'alice@lab.test'), /^250/);
  await until(
    () => 'it is never known',
    async () => {
      const again = await dial('203.0.4.1');
      await again.quit();
      return again.greeting.text === 'mx.lab.test ESMTP';
    },
  );
  const stranger = await dial('203.0.5.1');
  assert.match(stranger.greeting.text, /\n/, 'somebody else still does');
  await stranger.quit();
});

test('one try to log in as somebody who never does convicts the client', { skip: labClosed }, async () => {
  await using world = await startWorld();
  await using postfix = await startPostfix(xclient);
  await using gate = await runGate('submission', submissionPort, [
    'gate: { listen: off, neverLogin: [admin], heldConnections: 0 }',
    `submission: { backend: "${postfix.address}:587" }`,
  ]);
  assert.ok(gate);
  await (await logIn('203.0.113.1', 'alice@lab.test', 'wrong', 535)).quit();
  await (await logIn('203.0.113.1', 'alice@lab.test', 'alicepw', 235)).quit();
  (await logIn('203.0.113.2', 'admin@lab.test', 'admin', 535)).hangUp();
  await until(
    () => 'it is still welcome',
    async () => {
      const smtp = await dialSmtp({ from: '203.0.113.2', to: '127.0.0.1', port: submissionPort });
      smtp.hangUp();
      return smtp.greeting.code !== 220;
    },
  );
  const good = await logIn('203.0.113.1', 'alice@lab.test', 'alicepw', 235);
  await good.send('alice@lab.test', ['x@remote.test'], 'Subject: x\n\nx\n');
  await good.quit();
  assert.equal((await world.sink.messageTo('x@remote.test')).sender, 'alice@lab.test');
});

test(
  'bounces: what leaves by the submission port is signed, and a forgery does not come back',
  { skip: labClosed },
  async () => {
    await using world = await startWorld();
    await using postfix = await startPostfix(xclient);
    await using gate = await runGate('submission', submissionPort, [
      `gate: { listen: "127.0.0.1:${port}", backend: "${postfix.address}:25", protect: [lab.test], greetPauseMs: 0, senderDomains: off, bounceSigning: enforce }`,
      `submission: { backend: "${postfix.address}:587" }`,
    ]);
    assert.ok(gate);
    const out = await logIn('203.0.113.1', 'alice@lab.test', 'alicepw', 235);
    await out.send('alice@lab.test', ['x@remote.test'], 'Subject: out\n\nx\n');
    await out.quit();
    const signed = (await world.sink.messageTo('x@remote.test')).sender;
    assert.match(signed, /^prvs=0\d{3}[0-9a-f]{6}=alice@lab\.test$/);
    assert.match(await offer('203.0.113.2', '', signed), /^250/);
    assert.match(await offer('203.0.113.2', '', 'alice@lab.test'), /^550 5\.7\.1 .*ref=/);
    assert.match(await offer('203.0.113.2', 's@remote.test', 'alice@lab.test'), /^250/, 'and mail is mail');
  },
);

test('between a balancer and Postfix, with a PROXY header on both sides', { skip: labClosed }, async () => {
  await using world = await startWorld();
  await using postfix = await startPostfix({
    masterCf: `${hosts.postfix}:2526 inet n - n - - smtpd\n  -o syslog_name=postfix/proxied\n  -o smtpd_upstream_proxy_protocol=haproxy`,
  });
  await using gate = await runGate('gate', port, [
    `gate: { backend: "${postfix.address}:2526", passClient: proxy, proxied: on, protect: [lab.test], senderDomains: off, greetPauseMs: 200 }`,
  ]);
  assert.ok(gate);
  const smtp = await dialSmtp(
    { from: '198.51.100.1', to: '127.0.0.1', port },
    'PROXY TCP4 203.0.113.9 192.0.2.1 4711 25\r\n',
  );
  await smtp.say('EHLO client.test', 250);
  await smtp.send('s@remote.test', ['alice@lab.test'], 'Subject: x\n\nx\n');
  await smtp.quit();
  await world.log.settle();
  const told = / postfix\/proxied\/smtpd\[\d+\]: \w+: client=\S+\[203\.0\.113\.9\]/;
  await awaitLine(world.log.traditional, String(told), (line) => told.test(line));
});
