/** What is over for long is forgotten, in as many batches as it takes; what is in force stays. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Receipt } from '../../model/receipt.ts';
import { openDesk } from '../desk.ts';
import { defaults } from '../settings.ts';
import { forgetOld } from './retention.ts';

const dayMs = 86_400_000;

test('five thousand closed actions and one in force', async () => {
  const state = mkdtempSync(join(tmpdir(), 'postern-retention-'));
  const desk = openDesk(state, { carryOut: () => assert.fail('nothing is carried out') });
  const of = (id: string, stateNow: Receipt['state']): Receipt => ({
    id,
    kind: 'firewall-block',
    subject: '203.0.113.7',
    memory: null,
    state: stateNow,
    made: 1_000,
    until: undefined,
    incident: undefined,
    who: 'anna',
    why: '',
    note: '',
  });
  desk.receipts.add([of('DONE', 'done'), ...Array.from({ length: 5000 }, (_, at) => of(`A${at}`, 'undone'))]);
  assert.equal(await forgetOld({ ...desk, now: () => 100 * dayMs }, defaults), 0, 'kept for 400 days');
  assert.equal(
    await forgetOld({ ...desk, now: () => 100 * dayMs }, new Map([...defaults, ['ledger.actionsMax', 4000]])),
    1000,
  );
  assert.equal(await forgetOld({ ...desk, now: () => 500 * dayMs }, defaults), 4000);
  assert.deepEqual(
    desk.receipts.latest(10).map(({ id }) => id),
    ['DONE'],
  );
  desk.close();
  rmSync(state, { recursive: true });
});
