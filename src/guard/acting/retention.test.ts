/** What is over for long is forgotten with its evidence; what is in force stays with it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Receipt } from '../../model/receipt.ts';
import { evidenceFolder, openDesk } from '../desk.ts';
import { defaults } from '../settings.ts';
import { forgetOld } from './retention.ts';

test('old evidence goes with its action, and no file elsewhere', async () => {
  const state = mkdtempSync(join(tmpdir(), 'postern-retention-'));
  const evidence = evidenceFolder(state);
  mkdirSync(evidence);
  const desk = openDesk(state, { carryOut: () => assert.fail('nothing is carried out') });
  const files = ['undone', 'done'].map((name) => join(evidence, `${name}.evidence`));
  const elsewhere = join(state, 'elsewhere.evidence');
  for (const file of [...files, elsewhere]) writeFileSync(file, 'mail');
  const of = (id: string, stateNow: Receipt['state'], file: string | undefined): Receipt => ({
    id,
    kind: 'queue-purge',
    subject: 'postfix',
    memory: { evidence: file ?? '' },
    state: stateNow,
    made: 1_000,
    until: undefined,
    incident: undefined,
    who: 'anna',
    why: '',
    note: '',
  });
  desk.receipts.add([of('A1', 'undone', files[0]), of('A2', 'done', files[1]), of('A3', 'failed', elsewhere)]);
  assert.equal(await forgetOld({ ...desk, now: () => 100 * 86_400_000 }, defaults, evidence), 0, 'kept for 400 days');
  assert.equal(await forgetOld({ ...desk, now: () => 500 * 86_400_000 }, defaults, evidence), 2);
  assert.deepEqual(
    [...files, elsewhere].map((file) => existsSync(file)),
    [false, true, true],
  );
  assert.equal(desk.receipts.get('A2')?.state, 'done');
  desk.close();
  rmSync(state, { recursive: true });
});
