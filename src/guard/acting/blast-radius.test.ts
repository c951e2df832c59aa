import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { draftEvent } from '../../model/event.ts';
import { createJudge } from '../../judge/judge.ts';
import { createMemory } from '../../judge/memory.ts';
import { defaultJudgeSettings } from '../../judge/settings.ts';
import { writeSnapshot } from '../snapshot.ts';
import { blastRadius } from './blast-radius.ts';

test('the good mail of a wide network is added up; of one too wide nothing is claimed', async () => {
  const state = mkdtempSync(join(tmpdir(), 'postern-blast-'));
  const buffer = new SharedArrayBuffer(8 * 1024 * 1024);
  const judge = createJudge(createMemory(buffer, 7), defaultJudgeSettings);
  const time = Date.now();
  for (const [at, client] of ['198.51.7.9', '198.51.200.9', '198.51.200.10'].entries())
    judge.tell({
      ...draftEvent(time, 'postfix', 'recipient'),
      outcome: 'accepted',
      client,
      recipient: `r${at}@lab.test`,
    });
  try {
    assert.deepEqual(await blastRadius(state, '198.51.7.9'), [], 'nothing is learned here yet');
    await writeSnapshot(join(state, 'guard.snapshot'), { version: 2, seed: 7, started: 0, positions: {} }, buffer);
    const said = async (text: string): Promise<string> => (await blastRadius(state, text)).join('\n');
    assert.match(
      await said('198.51.0.0/16'),
      /: 3 good recipients and 0 good logins are known from 198\.51\.0\.0\/16$/,
    );
    assert.match(await said('198.51.200.0/24'), /: 2 good recipients/);
    assert.match(
      await said('198.51.7.9'),
      /: 1 good recipients .* from 198\.51\.7\.0\/24, 1 good recipients from 198\.51\.7\.9$/,
    );
    assert.match(await said('198.51.200.64/26'), /: 2 good recipients .* from 198\.51\.200\.0\/24$/);
    for (const wide of ['0.0.0.0/0', '2001:db8::/32']) assert.match(await said(wide), /not known of a network as wide/);
  } finally {
    rmSync(state, { recursive: true });
  }
});
