/** The gate in front of real Postfix, Exim and Sendmail, and of a plain SMTP server that stands in for Exchange. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultGateLimits } from '../../src/sense/gate/limits.ts';
import { runCommand } from './lab/daemon.ts';
import { dialSmtp } from './lab/dialogue.ts';
import { labClosed } from './lab/door.ts';
import { startExim } from './lab/exim.ts';
import { hosts } from './lab/network.ts';
import { startPostfix } from './lab/postfix.ts';
import { startSendmail } from './lab/sendmail.ts';
import { startWorld } from './lab/world.ts';
import { accept, behind, dial, openGate, port } from './gate/scene.ts';
import type { Scene } from './gate/scene.ts';

const toGate = (from: string) => ['--server', `127.0.0.1:${port}`, '--local-interface', from, '--hide-all'];

test(
  'the embedded store: swaks delivers over TLS; strangers cannot relay, pipeline early or smuggle',
  { skip: labClosed },
  async (t) => {
    await using world = await startWorld();
    assert.ok(world);
    const scene = await openGate(t, { greetPauseMs: 1000 });
    await runCommand('swaks', [
      ...toGate('203.0.113.1'),
      '--tls',
      '--to',
      'alice@lab.test',
      '--from',
      's@remote.test',
      '--body',
      '.dots and all',
    ]);
    const inbox = join(scene.directory, 'store/lab.test/alice/new');
    const [name = ''] = readdirSync(inbox);
    assert.match(readFileSync(join(inbox, name), 'latin1'), /^\.dots and all\r$/m);

    const early = await dialSmtp({ from: '203.0.113.2', to: '127.0.0.1', port }, 'EHLO early.test\r\n');
    await early.closed();
    assert.ok(scene.told.some(({ kind, client }) => kind === 'early-talk' && client === '203.0.113.2'));

    const smtp = await dial('203.0.113.3');
    await smtp.say('EHLO client.test', 250);
    await smtp.say('AUTH PLAIN AGEAYg==', 538);
    await smtp.say('MAIL FROM:<s@remote.test>', 250);
    await smtp.say('RCPT TO:<x@elsewhere.test>', 554);
    await smtp.say('RCPT TO:<nobody@lab.test>', 550);
    await smtp.say('DATA', 554);
    await smtp.say('RCPT TO:<alice@lab.test>', 250);
    await smtp.say('DATA', 354);
    const smuggled = await smtp.say(
      'Subject: x\r\n\r\nhi\n.\nMAIL FROM:<ceo@lab.test>\r\nRCPT TO:<alice@lab.test>\r\n.',
      550,
    );
    assert.match(smuggled.text, /bare CR or LF/);
    await smtp.quit();
    assert.equal(readdirSync(inbox).length, 1, 'nothing of it was kept');
    const outcomes = scene.told.filter(({ client, kind }) => kind === 'recipient' && client === '203.0.113.3');
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      ['relay-denied', 'unknown', 'accepted'],
    );
  },
);

test('STARTTLS forgets what was sent ahead of it', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  assert.ok(world);
  const scene = await openGate(t);
  const smtp = await dial('203.0.113.1');
  await smtp.say('EHLO client.test', 250);
  smtp.write('STARTTLS\r\nMAIL FROM:<injected@remote.test>\r\n');
  smtp.hangUp();
  await runCommand('swaks', [...toGate('203.0.113.2'), '--tls', '--quit-after', 'EHLO']);
  assert.ok(scene.asked.length > 0);
  assert.ok(scene.asked.every(({ sender }) => sender !== 'injected@remote.test'));
});

test(
  'a hostile client is held with slow failures, within the budget; limits end what has no end',
  { skip: labClosed },
  async (t) => {
    await using world = await startWorld();
    assert.ok(world);
    const scene = await openGate(t, { heldConnectionsMax: 1 });
    scene.decide = ({ stage }) =>
      stage === 'recipient'
        ? { kind: 'reject', reply: { code: '554', enhanced: '5.7.1', text: 'no' }, why: [] }
        : accept;
    const held = await dial('203.0.113.1');
    await held.say('EHLO client.test', 250);
    await held.say('MAIL FROM:<s@remote.test>', 250);
    const { text } = await held.say('RCPT TO:<alice@lab.test>', 554);
    const refusal = scene.notes.find((note) => note.kind === 'refusal');
    assert.ok(refusal?.kind === 'refusal' && text.endsWith(`ref=${refusal.ref}`), text);
    assert.deepEqual([refusal.client, refusal.recipient], ['203.0.113.1', 'alice@lab.test']);
    const beyond = await dial('203.0.113.2');
    await beyond.say('EHLO client.test', 250);
    await beyond.say('MAIL FROM:<s@remote.test>', 250);
    await beyond.say('RCPT TO:<alice@lab.test>', 421);
    await beyond.closed();
    held.hangUp();

    scene.decide = () => accept;
    const noisy = await dial('203.0.113.3');
    for (let error = 1; error < defaultGateLimits.errorsPerConnection; error++) await noisy.say('FOO', 500);
    await noisy.say('FOO', 421);
    await noisy.closed();
    const idle = await dial('203.0.113.4');
    for (let noop = 0; noop < defaultGateLimits.idleCommandsPerConnection; noop++) await idle.say('NOOP', 250);
    await idle.say('NOOP', 421);
    const secret = await dial('203.0.113.8');
    await secret.say('EHLO client.test', 250);
    await secret.say('AUTH PLAIN AGFsaWNlAHNlY3JldA==', 538);
    await secret.quit();
    const transcript = scene.notes.find((note) => note.kind === 'transcript' && note.client === '203.0.113.8');
    assert.ok(transcript?.kind === 'transcript' && transcript.lines.some((line) => line.startsWith('> AUTH PLAIN')));
    assert.ok(!transcript.lines.join('\n').includes('AGFsaWNl'), 'no password');
    const web = await dial('203.0.113.5');
    await web.say('GET / HTTP/1.1', 554);
    await web.closed();
    const crowd = [];
    for (let open = 0; open < defaultGateLimits.connectionsAtOnce; open++) crowd.push(await dial('203.0.113.6'));
    assert.equal((await dial('203.0.113.6')).greeting.code, 421);
    assert.equal((await dial('203.0.113.7')).greeting.code, 220);
    for (const each of crowd) each.hangUp();
  },
);

/** One good message, one unknown recipient, one message over the wire with dots; the server's own words come back. */
const throughGate = async (scene: Scene, known: string, unknown: string): Promise<string> => {
  const smtp = await dial('203.0.113.77');
  await smtp.say('EHLO client.test', 250);
  await smtp.say('MAIL FROM:<s@remote.test>', 250);
  await smtp.say(`RCPT TO:<${unknown}>`, 5);
  await smtp.say(`RCPT TO:<${known}>`, 250);
  const { text } = await smtp.message('Subject: through the gate\n\n.a line with a dot\n', 250);
  await smtp.say('RSET', 250);
  await smtp.quit();
  assert.ok(scene.told.some(({ kind, outcome }) => kind === 'recipient' && outcome === 'unknown'));
  assert.ok(scene.told.some(({ kind }) => kind === 'message'));
  return text;
};

test(
  'in front of Postfix: the client goes along by XCLIENT, AUTH passes under TLS only',
  { skip: labClosed },
  async (t) => {
    await using world = await startWorld();
    await using postfix = await startPostfix({
      mainCf: { smtpd_authorized_xclient_hosts: '192.0.2.0/24, 127.0.0.0/8' },
    });
    const scene = await openGate(t, { backend: behind(postfix.address) });
    const text = await throughGate(scene, 'alice@lab.test', 'nobody@lab.test');
    const id = /queued as (\S+)/.exec(text)?.[1] ?? 'none';
    await world.log.settle();
    assert.match(readFileSync(world.log.traditional, 'latin1'), new RegExp(`${id}: client=.*\\[203\\.0\\.113\\.77\\]`));
  },
);

test('submission through the gate: AUTH is passed on, its outcome is seen', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  await using postfix = await startPostfix({ mainCf: { smtpd_authorized_xclient_hosts: '192.0.2.0/24, 127.0.0.0/8' } });
  const scene = await openGate(t, { backend: behind(postfix.address, 587), requiresAuth: true });
  const login = (account: string, password: string): Promise<string> =>
    runCommand('swaks', [
      ...toGate('203.0.113.5'),
      '--tls',
      '--auth',
      'PLAIN',
      '--auth-user',
      account,
      '--auth-password',
      password,
      '--to',
      'x@remote.test',
      '--from',
      'alice@lab.test',
    ]);
  await login('alice@lab.test', 'alicepw');
  const sent = await world.sink.messageTo('x@remote.test');
  assert.equal(sent.sender, 'alice@lab.test');
  await assert.rejects(login('alice@lab.test', 'wrong'));
  await assert.rejects(login('admin@lab.test', 'admin'));
  assert.deepEqual(
    scene.told.filter(({ kind }) => kind === 'auth').map(({ account, outcome, reason }) => [account, outcome, reason]),
    [
      ['alice@lab.test', 'success', undefined],
      ['alice@lab.test', 'failure', 'bad-password'],
      ['admin@lab.test', 'failure', 'never-logs-in'],
    ],
  );
  const smtp = await dial('203.0.113.6');
  await smtp.say('EHLO client.test', 250);
  await smtp.say('MAIL FROM:<alice@lab.test>', 530);
  smtp.hangUp();
});

test('in front of Exim and of Sendmail', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  assert.ok(world);
  await using exim = await startExim();
  await t.test('Exim', async (inner) => {
    const scene = await openGate(inner, { backend: behind(exim.address) });
    assert.match(await throughGate(scene, 'alice@lab.test', 'nobody@lab.test'), /OK id=/);
  });
  await using sendmail = await startSendmail();
  await t.test('Sendmail', async (inner) => {
    const scene = await openGate(inner, { backend: behind(sendmail.address) });
    assert.match(await throughGate(scene, 'laba@mx.lab.test', 'nosuchuser@mx.lab.test'), /accepted for delivery/);
  });
});

test('the server behind goes away: 451, and the client keeps its message', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  assert.ok(world);
  const scene = await openGate(t, { backend: behind(hosts.internet), domains: ['remote.test'] });
  const smtp = await dial('203.0.113.1');
  await smtp.say('EHLO client.test', 250);
  await smtp.send('s@lab.test', ['x@remote.test'], 'Subject: one\n\nyes\n');
  assert.match(
    (await world.sink.messageTo('x@remote.test')).data,
    /Received: from client\.test \(\[203\.0\.113\.1\]\)/,
  );
  await smtp.say('MAIL FROM:<s@lab.test>', 250);
  await smtp.say('RCPT TO:<y@remote.test>', 250);
  await smtp.say('DATA', 354);
  await world.sink.stop();
  await smtp.say('Subject: two\r\n\r\nlost?\r\n.', 451);
  await smtp.say('MAIL FROM:<s@lab.test>', 250);
  await smtp.say('RCPT TO:<y@remote.test>', 451);
  await smtp.quit();
  assert.equal(scene.told.filter(({ kind }) => kind === 'message').length, 1);
});
