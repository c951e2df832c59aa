/** A real Dovecot asks before each login, obeys, reports how it went, and logs people in when nobody answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../src/model/event.ts';
import type { Question } from '../../src/model/question.ts';
import type { Verdict } from '../../src/model/verdict.ts';
import { startAuthPolicy } from '../../src/sense/hooks/auth-policy.ts';
import { until } from './lab/await.ts';
import { dialImap, dialPop3, dialSmtp } from './lab/dialogue.ts';
import { labClosed } from './lab/door.ts';
import { startPostfix } from './lab/postfix.ts';
import { startWorld } from './lab/world.ts';

const port = 10_043;
const asksUs = `
auth_policy_server_url = http://127.0.0.1:${port}/
auth_policy_hash_nonce = of-this-test
auth_policy_server_timeout_msecs = 60000
`;

test('IMAP, POP3 and submission ask, obey and report', { skip: labClosed }, async (t) => {
  await using world = await startWorld(asksUs);
  await using postfix = await startPostfix();
  const asked: Question[] = [];
  const told: Event[] = [];
  let verdict: Verdict = { kind: 'accept', why: [] };
  const start = () =>
    startAuthPolicy({
      listen: { host: '127.0.0.1', port },
      ask: (question) => {
        asked.push(question);
        return verdict;
      },
      tell: (event) => told.push(event),
      complain: (error) => assert.fail(String(error)),
    });
  let service = await start();
  t.after(() => service.stop());
  const imap = async (from: string, password: string): Promise<string> => {
    const session = await dialImap({ from, to: world.dovecot.address, port: 143 });
    const { status } = await session.say(`LOGIN alice@lab.test ${password}`);
    session.hangUp();
    return status;
  };

  assert.equal(await imap('203.0.113.1', 'alicepw'), 'OK');
  assert.equal(await imap('203.0.113.1', 'wrong'), 'NO');
  const pop3 = await dialPop3({ from: '203.0.113.2', to: world.dovecot.address, port: 110 });
  await pop3.say('USER alice@lab.test');
  assert.ok((await pop3.say('PASS alicepw')).isOk);
  pop3.hangUp();
  const smtp = await dialSmtp({ from: '203.0.113.3', to: postfix.address, port: 587 });
  await smtp.say('EHLO client.test', 250);
  await smtp.authPlain('alice@lab.test', 'wrong', 535);
  await smtp.authPlain('alice@lab.test', 'alicepw', 235);
  smtp.hangUp();
  assert.ok(asked.every(({ stage, account }) => stage === 'auth' && account === 'alice@lab.test'));
  assert.deepEqual([...new Set(asked.map(({ client }) => client))], ['203.0.113.1', '203.0.113.2', '203.0.113.3']);
  // It reports when it comes to it, whatever the client has heard by then.
  const reported = (count: number): Promise<void> =>
    until(
      () => `${count} reports, not ${JSON.stringify(told)}`,
      () => told.length >= count,
    );
  await reported(5);
  assert.deepEqual(told.map(({ client, outcome, protocol }) => [client, outcome, protocol].join(' ')).toSorted(), [
    '203.0.113.1 failure imap',
    '203.0.113.1 success imap',
    '203.0.113.2 success pop3',
    '203.0.113.3 failure submission',
    '203.0.113.3 success submission',
  ]);

  verdict = { kind: 'reject', reply: { code: '554', enhanced: '5.7.1', text: 'no' }, why: [] };
  told.length = 0;
  assert.equal(await imap('203.0.113.4', 'alicepw'), 'NO', 'the right password does not help');
  await reported(1);
  assert.deepEqual(
    told.map(({ outcome, reason }) => [outcome, reason]),
    [['failure', 'policy']],
  );
  verdict = { kind: 'delay', delayMs: 1000, why: [] };
  assert.equal(await imap('203.0.113.5', 'alicepw'), 'OK');

  await service.stop();
  assert.equal(await imap('203.0.113.6', 'alicepw'), 'OK', 'nobody answers: people log in');
  service = await start();
  verdict = { kind: 'reject', reply: { code: '554', enhanced: '5.7.1', text: 'no' }, why: [] };
  assert.equal(await imap('203.0.113.7', 'alicepw'), 'NO', 'asked again without a restart');
});
