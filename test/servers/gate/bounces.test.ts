/** Bounces at the gate in front of Postfix: what was signed on its way out comes back, what was not is a forgery. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ensureKeys } from '../../../src/sense/gate/signature.ts';
import { labClosed } from '../lab/door.ts';
import { startPostfix } from '../lab/postfix.ts';
import { startWorld } from '../lab/world.ts';
import { runGate } from './running.ts';
import { accept, behind, dial, openGate, port } from './scene.ts';

test(
  'mail leaves with a signed sender, its bounce comes back; other bounces are refused',
  { skip: labClosed },
  async (t) => {
    await using world = await startWorld();
    await using postfix = await startPostfix({
      mainCf: { smtpd_authorized_xclient_hosts: '192.0.2.0/24, 127.0.0.0/8' },
    });
    const state = mkdtempSync(join(tmpdir(), 'postern-keys-'));
    t.after(() => rmSync(state, { recursive: true }));
    const keys = ensureKeys(state);
    assert.deepEqual(ensureKeys(state), keys, 'kept');
    const signature = { keys, domains: ['lab.test'], enforce: true };
    let signed = '';
    await t.test('out', async (inner) => {
      await openGate(inner, { backend: behind(postfix.address, 587), requiresAuth: true, signature });
      const smtp = await dial('203.0.113.1');
      await smtp.say('EHLO client.test', 250);
      await smtp.startTls();
      await smtp.say('EHLO client.test', 250);
      await smtp.authPlain('alice@lab.test', 'alicepw', 235);
      await smtp.send('alice@lab.test', ['x@remote.test'], 'Subject: out\n\nx\n');
      await smtp.quit();
      signed = (await world.sink.messageTo('x@remote.test')).sender;
      assert.match(signed, /^prvs=0\d{3}[0-9a-f]{6}=alice@lab\.test$/);
    });
    await t.test('back', async (inner) => {
      const scene = await openGate(inner, { backend: behind(postfix.address), signature });
      scene.decide = ({ stage, sender, isAnswer }) =>
        stage === 'recipient' && sender === '' && isAnswer !== true
          ? { kind: 'defer', reply: { code: '450', enhanced: '4.7.1', text: 'Too many bounces' }, why: [] }
          : accept;
      const smtp = await dial('203.0.113.2');
      await smtp.say('EHLO bouncing.test', 250);
      await smtp.send('', [signed], 'Subject: it bounced\n\nx\n');
      assert.ok(scene.told.some(({ kind, recipient }) => kind === 'delivery' && recipient === 'alice@lab.test'));
      await smtp.say('MAIL FROM:<>', 250);
      await smtp.say('RCPT TO:<alice@lab.test>', 450);
      scene.decide = () => accept;
      assert.match((await smtp.say('RCPT TO:<alice@lab.test>', 550)).text, /^5\.7\.1 .*ref=/);
      const forged = signed.replace(/[0-9a-f]{6}=/, (mac) => (mac === '000000=' ? '000001=' : '000000='));
      await smtp.say(`RCPT TO:<${forged}>`, 550);
      await smtp.say('RCPT TO:<postmaster@lab.test>', 250);
      await smtp.say('RSET', 250);
      await smtp.say('MAIL FROM:<s@remote.test>', 250);
      await smtp.say(`RCPT TO:<${signed}>`, 250);
      await smtp.say('RCPT TO:<alice@lab.test>', 250);
      await smtp.quit();
    });
  },
);

test('bounces to one address are limited, to others not', { skip: labClosed }, async () => {
  await using gate = await runGate('gate', port, [
    'gate: { protect: [lab.test], mailboxes: [alice, bob], greetPauseMs: 0, limits: { messagesPerConnection: 0 } }',
  ]);
  assert.ok(gate);
  const smtp = await dial('203.0.113.1');
  await smtp.say('EHLO bouncing.test', 250);
  const bounce = async (recipient: string): Promise<number> => {
    await smtp.say('MAIL FROM:<>', 250);
    const { code } = await smtp.say(`RCPT TO:<${recipient}>`);
    if (code === 250) await smtp.message('Subject: it bounced\n\nx\n', 250);
    else await smtp.say('RSET', 250);
    return code;
  };
  let accepted = 0;
  while ((await bounce('alice@lab.test')) === 250) assert.ok(++accepted < 200, 'an end comes');
  assert.ok(accepted >= 30, `${accepted} were accepted`);
  assert.equal(await bounce('alice@lab.test'), 450);
  assert.equal(await bounce('bob@lab.test'), 250, 'somebody else gets his');
  await smtp.say('MAIL FROM:<s@lab.test>', 250);
  await smtp.say('RCPT TO:<alice@lab.test>', 250);
  await smtp.quit();
});
