/** What an outsider's look may not take for green: who is put off, not let in, or welcome whoever he is, has proven nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHardening } from '../../src/guard/check/hardening.ts';
import { labClosed } from './lab/door.ts';
import { startPostfix } from './lab/postfix.ts';
import { startSendmail } from './lab/sendmail.ts';
import { startWorld } from './lab/world.ts';

type Stated = Readonly<Record<string, string>>;

const look = async (mainCf: Readonly<Record<string, string>>, recipient: string, from: string): Promise<Stated> => {
  await using postfix = await startPostfix({ mainCf: { smtpd_recipient_restrictions: '', ...mainCf } });
  const target = { host: postfix.address, port: 25, from, recipient };
  const trustedBecause = from.startsWith('127.') ? 'which is its own machine' : undefined;
  const findings = await checkHardening({ target, helo: 'check.invalid', trustedBecause });
  assert.ok(findings.length >= 5, 'it was looked at');
  return Object.fromEntries(findings.map(({ id, state }) => [id, state]));
};

test('an outsider looks at Postfix', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  const [open, auth, vrfy, unknown, accounts] = [
    'open-relay',
    'auth-without-tls',
    'vrfy',
    'unknown-recipients',
    'standard-accounts',
  ];
  const stranger = '203.0.113.9';
  const states = (all: Stated): readonly (string | undefined)[] =>
    [open, auth, vrfy, unknown, accounts].map((id) => all[id]);
  const [yes, no, wrong] = ['proven', 'not-proven', 'wrong'];

  assert.deepEqual(states(await look({}, 'alice@lab.test', stranger)), [yes, yes, yes, yes, yes]);
  // A catch-all: the names behind it cannot be seen.
  const catchAll = await look({}, 'alice@catchall.test', stranger);
  assert.deepEqual([...states(catchAll), catchAll['timing']], [yes, yes, yes, wrong, no, yes]);
  // Who exists is looked up further, and that takes its time.
  const slow = {
    smtpd_restriction_classes: 'further',
    further: 'sleep 1',
    smtpd_recipient_restrictions: 'check_recipient_access inline:{ {alice@catchall.test = further} }',
  };
  assert.equal((await look(slow, 'alice@catchall.test', stranger))['timing'], wrong);
  // Greylisted, or out of order: a 450 is no refusal.
  const putOff = { smtpd_recipient_restrictions: 'defer', smtpd_relay_restrictions: 'defer' };
  assert.deepEqual(states(await look(putOff, 'alice@lab.test', stranger)), [no, yes, no, no, no]);
  // Not let in.
  const closed = { smtpd_helo_restrictions: 'reject', smtpd_delay_reject: 'no' };
  assert.deepEqual(states(await look(closed, 'alice@lab.test', stranger)), [no, no, no, no, no]);
  // Everybody may relay; its own machine may at any server.
  const relay = { mynetworks: '0.0.0.0/0' };
  assert.equal((await look(relay, 'alice@lab.test', stranger))[open], wrong);
  assert.equal((await look({}, 'alice@lab.test', '127.0.0.5'))[open], no);
  const needless = { virtual_mailbox_maps: 'inline:{ {alice@lab.test = alice}, {backup@lab.test = backup} }' };
  assert.deepEqual(states(await look(needless, 'alice@lab.test', stranger)), [yes, yes, yes, yes, wrong]);
  const talkative = { smtpd_sasl_auth_enable: 'yes' };
  assert.equal((await look(talkative, 'alice@lab.test', stranger))[auth], wrong);
});

test('an outsider looks at a Sendmail that answers VRFY', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using sendmail = await startSendmail("define(`confPRIVACY_FLAGS', `')dnl\n");
  const target = { host: sendmail.address, port: 25, from: '203.0.113.9', recipient: 'laba@mx.lab.test' };
  const findings = await checkHardening({ target, helo: 'check.invalid', trustedBecause: undefined });
  assert.equal(findings.find(({ id }) => id === 'vrfy')?.state, 'wrong');
});
