import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { askHelper } from '../../helper/ask.ts';
import type { Conviction } from '../../judge/judge.ts';
import { openDesk } from '../desk.ts';
import { defaults } from '../settings.ts';
import { createEnforcer } from './enforcer.ts';

test('a helper that is down is said once, however many are convicted meanwhile', async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'postern-enforcer-'));
  t.after(() => rmSync(state, { recursive: true }));
  const desk = openDesk(state, { carryOut: askHelper(join(state, 'nobody.sock')) });
  t.after(desk.close);
  const told: string[] = [];
  const limits = { perMinuteMax: 10, learningUntil: 0 };
  const enforcer = createEnforcer(desk, defaults, limits, ({ text }) => told.push(text));
  const conviction: Conviction = {
    client: '203.0.113.7',
    detector: 'harvest',
    incident: undefined,
    until: Date.now() + 3_600_000,
    everGood: false,
    why: 'test',
  };
  for (let times = 0; times < 3; times++) {
    enforcer.convicted(conviction);
    await enforcer.settled();
  }
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', /^convictions are not acted on: .*helper/);
});
