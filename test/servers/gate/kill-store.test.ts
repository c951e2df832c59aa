/**
 * The gate in front of its own store, killed at every step of a session, and again and again while it stores: a client with a
 * queue is told 250 once, and every mailbox has the message, whole: once, or twice where the kill came before the answer.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { labClosed } from '../lab/door.ts';
import { sendUntilTold, stepsOf } from './kill-client.ts';
import type { Moment, Sending } from './kill-client.ts';
import { port } from './scene.ts';
import { runGate } from './running.ts';
import type { RunningGate } from './running.ts';

const names = ['alice', 'bob'];
const wholeMessage = /\r\nSubject: nothing is lost\r\n\r\n(?:x{70}\r\n){3000}$/;

const gateWithStore = (): Promise<RunningGate> =>
  runGate('gate', port, [
    'gate: { protect: [lab.test], mailboxes: [alice, bob], greetPauseMs: 0, senderDomains: off }',
  ]);

/** Messages of a sender in each mailbox; all of them are whole. */
const storedOf = (state: string, sender: string): readonly number[] =>
  names.map((name) => {
    const inbox = join(state, 'store/lab.test', name, 'new');
    if (!existsSync(inbox)) return 0;
    const all = readdirSync(inbox).map((file) => readFileSync(join(inbox, file), 'latin1'));
    const found = all.filter((message) => message.startsWith(`Return-Path: <${sender}>\r\n`));
    for (const message of found) assert.match(message, wholeMessage);
    return found.length;
  });

const sending: Sending = {
  port,
  login: undefined,
  recipients: names.map((name) => `${name}@lab.test`),
  moments: new Map(),
};

for (const chunks of [false, true])
  test(`${chunks ? 'in chunks' : 'DATA'}: killed at every step`, { skip: labClosed }, async () => {
    await using gate = await gateWithStore();
    let struck = 0;
    for (const step of stepsOf({ ...sending, chunks })) {
      const sender = `${step.toLowerCase()}@remote.test`;
      const tries = await sendUntilTold({ ...sending, chunks }, sender, step, gate.crash);
      assert.deepEqual(storedOf(gate.state, sender), [1, 1], `killed at ${step}, told after ${tries} tries`);
      struck++;
    }
    assert.equal(struck, chunks ? 7 : 8);
  });

test('killed while it stores, a little later each time', { skip: labClosed }, async () => {
  await using gate = await gateWithStore();
  for (let ms = 0; ms < 5; ms += 0.5) {
    const sender = `after${ms * 10}@remote.test`;
    // Nothing tells from outside how far it is: the moment moves through the whole of it.
    const moment: Moment = { reached: () => pause(ms), letGo: () => undefined };
    const at = new Map([['dot', moment]] as const);
    await sendUntilTold({ ...sending, moments: at }, sender, 'dot', gate.crash);
    const stored = storedOf(gate.state, sender);
    assert.ok(
      stored.every((count) => count === 1 || count === 2),
      `${ms}: ${stored.join(', ')}`,
    );
  }
});
