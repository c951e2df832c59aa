/**
 * Nothing is lost: the gate, the server behind it, and the line between them are cut at every step of a session. A client
 * with a queue tries again until it is told 250, and then the message is behind the gate: once. The one exception no server can
 * avoid: the message was taken, and the cut came before the answer (RFC 1047, RFC 5321 §4.5.3.2.6).
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { awaitQuiet } from '../lab/await.ts';
import { runCommand, stoppable } from '../lab/daemon.ts';
import type { Stoppable } from '../lab/daemon.ts';
import { labClosed } from '../lab/door.ts';
import { hosts } from '../lab/network.ts';
import { startPostfix } from '../lab/postfix.ts';
import type { Postfix } from '../lab/postfix.ts';
import { startWorld } from '../lab/world.ts';
import { sendUntilTold, stepsOf } from './kill-client.ts';
import type { Moment, Sending, Step } from './kill-client.ts';
import { startLine } from './kill-line.ts';
import { runGate } from './running.ts';

const port = 2587;
const policyPort = 10_099;
const linePort = 10_587;

/** Asked by Postfix when it has the whole message and has not yet taken it: answers when it is told to. */
type Gatekeeper = Moment & Stoppable;
const startGatekeeper = async (): Promise<Gatekeeper> => {
  let arrived = Promise.withResolvers<void>();
  let gate = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      if (!bytes.includes('\n\n')) return;
      arrived.resolve();
      void gate.promise.then(() => socket.write('action=DUNNO\n\n'));
    });
  }).listen(policyPort, '127.0.0.1');
  await once(server, 'listening');
  gate.resolve();
  return {
    reached: () => {
      [arrived, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      return arrived.promise;
    },
    letGo: () => gate.resolve(),
    ...stoppable(async () => {
      server.close();
      await Promise.resolve();
    }),
  };
};

const sendingWith = (moments: readonly (readonly [Step, Moment])[]): Sending => ({
  port,
  login: { account: 'alice@lab.test', password: 'alicepw' },
  recipients: ['bob@lab.test', 'carol@lab.test'],
  moments: new Map(moments),
});

/** Messages in Postfix's queue, by sender: they stay there, because nothing is delivered in this test. */
const queuedOf = async (sender: string): Promise<number> => {
  const lines = (await runCommand('postqueue', ['-j'])).split('\n');
  return lines.filter((line) => line.includes(`"sender": "${sender}"`)).length;
};

/** Where the client is not told although the message was taken: it must come twice rather than not at all. */
type Expect = (step: Step) => number;

const cutAtEveryStep = async (
  killed: string,
  sending: Sending,
  strike: () => Promise<void>,
  expected: Expect,
): Promise<void> => {
  for (const step of stepsOf(sending)) {
    const sender = `${killed}-${step.toLowerCase()}@lab.test`;
    const tries = await sendUntilTold(sending, sender, step, strike);
    // Whose client was cut off may still be taking the message.
    await awaitQuiet(hosts.postfix, 587);
    assert.equal(await queuedOf(sender), expected(step), `${killed} cut at ${step}, told after ${tries} tries`);
  }
};

const startBackend = (): Promise<Postfix> =>
  startPostfix({
    mainCf: {
      smtpd_authorized_xclient_hosts: '192.0.2.0/24, 127.0.0.0/8',
      smtpd_client_event_limit_exceptions: '0.0.0.0/0',
      smtpd_end_of_data_restrictions: `check_policy_service inet:127.0.0.1:${policyPort}`,
      // What is taken stays in the queue and does not move, so that it can be counted.
      smtpd_recipient_restrictions: 'check_recipient_access static:HOLD',
    },
  });

const gateTo = (host: string, at: number) =>
  runGate('submission', port, ['gate: { listen: off }', `submission: { backend: "${host}:${at}" }`]);

test('the gate is killed at every step', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using keeper = await startGatekeeper();
  await using postfix = await startBackend();
  await using gate = await gateTo(postfix.address, 587);
  // At the dot Postfix has the whole message and takes it, and the gate that could tell of it is gone: the case of RFC 1047.
  const sending = sendingWith([['dot', keeper]]);
  await cutAtEveryStep('gate', sending, gate.crash, (step) => (step === 'dot' ? 2 : 1));
});

test('the server behind is killed at every step', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using keeper = await startGatekeeper();
  await using postfix = await startBackend();
  await using gate = await gateTo(postfix.address, 587);
  assert.ok(gate);
  await cutAtEveryStep('server', sendingWith([['dot', keeper]]), postfix.crash, () => 1);
});

test(
  'the line between them is cut at every step, and between the message and its answer',
  { skip: labClosed },
  async () => {
    await using world = await startWorld();
    assert.ok(world);
    await using keeper = await startGatekeeper();
    await using postfix = await startBackend();
    await using line = await startLine(linePort, { host: postfix.address, port: 587 });
    await using gate = await gateTo('127.0.0.1', linePort);
    assert.ok(gate && keeper);
    const cut = (): Promise<void> => Promise.resolve(line.cut());
    const sending = sendingWith([
      ['dot', line.dot],
      ['taken', line.taken],
    ]);
    // Taken, and the answer lost on the way: RFC 1047.
    await cutAtEveryStep('line', sending, cut, (step) => (step === 'taken' ? 2 : 1));
  },
);
