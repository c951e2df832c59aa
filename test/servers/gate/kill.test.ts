/**
 * Nothing is lost: the gate, the server behind it, and the line between them are cut at every step of a session. A client
 * with a queue tries again until it is told 250, and then the message is behind the gate: once. The one exception no server can
 * avoid: the message was taken, and the cut came before the answer (RFC 1047, RFC 5321 §4.5.3.2.6).
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { awaitQuiet } from '../lab/await.ts';
import { runCommand, stoppable } from '../lab/daemon.ts';
import type { Stoppable } from '../lab/daemon.ts';
import { dialSmtp } from '../lab/dialogue.ts';
import type { SmtpDialogue } from '../lab/dialogue.ts';
import { labClosed } from '../lab/door.ts';
import { hosts } from '../lab/network.ts';
import { startPostfix } from '../lab/postfix.ts';
import type { Postfix } from '../lab/postfix.ts';
import { startWorld } from '../lab/world.ts';
import { runGate } from './running.ts';

const port = 2587;
const policyPort = 10_099;
const linePort = 10_587;
const attemptsMax = 3;

/** In the order of a session; the cut comes when a step is done, at `body` and `dot` while it is under way. */
const steps = ['connect', 'EHLO', 'STARTTLS', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'body', 'dot', 'told', 'QUIT'] as const;
type Step = (typeof steps)[number];

/** Asked by Postfix when it has the whole message and has not yet taken it: answers when it is told to. */
type Gatekeeper = { readonly whole: () => Promise<void>; readonly letGo: () => void } & Stoppable;
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
    whole: () => {
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

/** The line between gate and server: it may be cut, and it may swallow the server's last answer and be cut then. */
type Line = { readonly cut: () => void; readonly swallowQueued: () => void } & Stoppable;
const startLine = async (to: string): Promise<Line> => {
  const ends = new Set<ReturnType<typeof connect>>();
  let swallows = false;
  const cut = (): void => {
    for (const end of ends) end.destroy();
  };
  const server = createServer((here) => {
    const there = connect(587, to);
    for (const end of [here, there]) {
      ends.add(end);
      end.on('close', () => {
        ends.delete(end);
        here.destroy();
        there.destroy();
      });
      end.on('error', () => end.destroy());
    }
    here.on('data', (bytes) => there.write(bytes));
    there.on('data', (bytes) => {
      if (swallows && bytes.includes('queued as')) {
        swallows = false;
        cut();
      } else here.write(bytes);
    });
  }).listen(linePort, '127.0.0.1');
  await once(server, 'listening');
  return {
    cut,
    swallowQueued: () => {
      swallows = true;
    },
    ...stoppable(async () => {
      cut();
      server.close();
      await Promise.resolve();
    }),
  };
};

const half = `${'x'.repeat(70)}\r\n`.repeat(1500);

/** One try of a client. @param strike cuts, at `at`. @returns true when the client was told that its message was taken */
const attempt = async (
  keeper: Gatekeeper,
  sender: string,
  at: Step | undefined,
  strike: () => Promise<void>,
): Promise<boolean> => {
  let smtp: SmtpDialogue | undefined;
  let told = false;
  let bounced: string | undefined;
  const after = async (step: Step): Promise<void> => {
    if (step === at) await strike();
  };
  try {
    smtp = await dialSmtp({ from: '203.0.113.9', to: '127.0.0.1', port });
    assert.equal(smtp.greeting.code, 220);
    await after('connect');
    await smtp.say('EHLO client.test', 250);
    await after('EHLO');
    await smtp.startTls();
    await smtp.say('EHLO client.test', 250);
    await after('STARTTLS');
    await smtp.authPlain('alice@lab.test', 'alicepw', 235);
    await after('AUTH');
    const heard = [(await smtp.say(`MAIL FROM:<${sender}>`)).code];
    await after('MAIL');
    heard.push((await smtp.say('RCPT TO:<bob@lab.test>')).code);
    await after('RCPT');
    // As pipelining does: whatever became of the commands before (RFC 2920 §3.1).
    heard.push((await smtp.say('RCPT TO:<carol@lab.test>')).code, (await smtp.say('DATA')).code);
    const refused = heard.find((code) => code >= 500);
    if (refused !== undefined) bounced = `${sender} hears ${heard.join(', ')}`;
    assert.deepEqual(heard, [250, 250, 250, 354]);
    await after('DATA');
    smtp.write(`Subject: nothing is lost\r\n\r\n${half}`);
    await after('body');
    smtp.write(half);
    if (at === 'dot') {
      const whole = keeper.whole();
      const reply = smtp.say('.', 250);
      const outcome = reply.then(
        () => true,
        () => false,
      );
      await whole;
      await strike();
      keeper.letGo();
      told = await outcome;
    } else {
      await smtp.say('.', 250);
      told = true;
    }
    await after('told');
    await smtp.quit();
    await after('QUIT');
  } catch {
    // Cut off: what counts is what it was told.
  }
  smtp?.hangUp();
  keeper.letGo();
  assert.equal(bounced, undefined, 'a 5xx makes the client give up');
  return told;
};

/** Tries like a mail server with a queue. @returns how often it tried */
const sendUntilTold = async (
  keeper: Gatekeeper,
  sender: string,
  at: Step,
  strike: () => Promise<void>,
): Promise<number> => {
  let isStruck = false;
  const firstStrike = async (): Promise<void> => {
    isStruck = true;
    await strike();
  };
  for (let tries = 1; tries <= attemptsMax; tries++) {
    const told = await attempt(keeper, sender, isStruck ? undefined : at, firstStrike);
    if (told) {
      assert.ok(isStruck, `${at}: the cut came`);
      return tries;
    }
  }
  return assert.fail(`${at}: never told that it was taken`);
};

/** Messages in Postfix's queue, by sender: they stay there, because nothing is delivered in this test. */
const queuedOf = async (sender: string): Promise<number> => {
  const lines = (await runCommand('postqueue', ['-j'])).split('\n');
  return lines.filter((line) => line.includes(`"sender": "${sender}"`)).length;
};

/** Where the client is not told although the message was taken: it must come twice rather than not at all. */
type Expect = (step: Step) => number;

const cutAtEveryStep = async (
  killed: string,
  keeper: Gatekeeper,
  strike: () => Promise<void>,
  expected: Expect,
): Promise<void> => {
  for (const step of steps) {
    const sender = `${killed}-${step.toLowerCase()}@lab.test`;
    const tries = await sendUntilTold(keeper, sender, step, strike);
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
  await cutAtEveryStep('gate', keeper, gate.crash, (step) => (step === 'dot' ? 2 : 1));
});

test('the server behind is killed at every step', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using keeper = await startGatekeeper();
  await using postfix = await startBackend();
  await using gate = await gateTo(postfix.address, 587);
  assert.ok(gate);
  await cutAtEveryStep('server', keeper, postfix.crash, () => 1);
});

test(
  'the line between them is cut at every step, and between the message and its answer',
  { skip: labClosed },
  async () => {
    await using world = await startWorld();
    assert.ok(world);
    await using keeper = await startGatekeeper();
    await using postfix = await startBackend();
    await using line = await startLine(postfix.address);
    await using gate = await gateTo('127.0.0.1', linePort);
    assert.ok(gate);
    const cut = (): Promise<void> => Promise.resolve(line.cut());
    await cutAtEveryStep('line', keeper, cut, (step) => (step === 'dot' ? 2 : 1));
    const swallow = (): Promise<void> => Promise.resolve(line.swallowQueued());
    await sendUntilTold(keeper, 'swallowed@lab.test', 'DATA', swallow);
    await awaitQuiet(hosts.postfix, 587);
    assert.equal(await queuedOf('swallowed@lab.test'), 2, 'taken, and the answer lost on the way: RFC 1047');
  },
);
