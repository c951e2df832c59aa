/** A relay prober that takes another address whenever it is sent away: the gate learns to hold it, and the report says so. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import { dialSmtp } from '../servers/lab/dialogue.ts';
import { labClosed } from '../servers/lab/door.ts';
import { openedIn, postern, settingsAt } from './postmaster.ts';

const sessions = 14;
/** Two pairs of domains are proof. */
const pairs = 4;

type Fate = 'sent away' | 'held';
/** A held client is greeted late, a fresh one may be where the machine is slow. */
const waitMsMin = 1000;

/** Tries to relay until it is told that it is unwelcome: how? @param wasHeld the last time, at this address */
const probe = async (from: string, wasHeld: boolean): Promise<Fate> => {
  const began = performance.now();
  const smtp = await dialSmtp({ from, to: '127.0.0.1', port: 2525 });
  try {
    if (smtp.greeting.code !== 220) return 'sent away';
    if (wasHeld) {
      // It does not wait for more to know that it is kept waiting.
      assert.ok(performance.now() - began > waitMsMin, 'who is known to be hostile waits for the greeting');
      return 'held';
    }
    await smtp.say('EHLO probe.test');
    for (let pair = 0; pair < pairs; pair++) {
      const { code } = await smtp.say(`MAIL FROM:<s${pair}@from${pair}.test>`);
      if (code !== 250) return code === 450 || code === 554 ? 'held' : 'sent away';
      const { code: answer } = await smtp.say(`RCPT TO:<x@to${pair}.test>`);
      if (answer !== 554) return 'sent away';
      await smtp.say('RSET');
    }
    return assert.fail('it was never told');
  } finally {
    smtp.hangUp();
  }
};

test(
  'who changes the address when sent away is held, and the report says what that cost whom',
  { skip: labClosed },
  async () => {
    const state = await mkdtemp(join(tmpdir(), 'postern-learns-'));
    const news: GuardNews[] = [];
    const settings = settingsAt(state, 'gate')
      .set('logs', [])
      .set('gate.listen', '127.0.0.1:2525')
      .set('gate.protect', ['lab.test'])
      .set('gate.greetPauseMs', 0)
      .set('listeners.threads', 1);
    const guard = await startGuard(settings, (item) => news.push(item));
    try {
      let address = 1;
      const fates: Fate[] = [];
      for (let session = 0; session < sessions; session++) {
        const fate = await probe(`203.0.${address}.7`, fates.at(-1) === 'held');
        fates.push(fate);
        await guard.caughtUp();
        if (fate === 'sent away') address++;
      }
      await guard.settled();
      assert.ok(fates.includes('sent away') && fates.includes('held'), 'both answers were tried');
      assert.ok(
        fates.slice(-3).every((fate) => fate === 'held'),
        fates.join(', '),
      );
      assert.ok(
        openedIn(news).some(({ attack }) => attack === 'relay'),
        'and it is an incident',
      );
    } finally {
      await guard.stop();
    }
    const report = await postern('gate', 'report', '--state', state);
    assert.match(report, /relay, EHLO name .* hold\n/);
    assert.match(report, /of their seconds for one of ours/);
    await rm(state, { recursive: true });
  },
);
