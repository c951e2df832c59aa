/** Evidence goes when it is old enough, never under a purge that is not over; and a purge without it is not undone. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { undo } from '../../act/recover.ts';
import { carryOutHere, evidenceFolder, openDesk } from '../desk.ts';
import type { OpenDesk } from '../desk.ts';
import { dropOldEvidence } from './evidence.ts';

const day = 86_400;

const purgeOf = (desk: OpenDesk, id: string, state: 'open' | 'done', evidence: string): void =>
  desk.receipts.add([
    {
      id,
      kind: 'queue-purge',
      subject: 'postfix',
      memory: { server: 'postfix', spool: '/var/spool/postfix', evidence, messages: [] },
      state,
      made: 0,
      until: undefined,
      incident: undefined,
      who: 'test',
      why: '',
      note: '',
    },
  ]);

test('old evidence goes, but not that of a purge that is not over; what is gone is not said to be put back', async () => {
  const state = mkdtempSync(join(tmpdir(), 'postern-evidence-'));
  const folder = evidenceFolder(state);
  mkdirSync(folder);
  const desk = openDesk(state, { carryOut: carryOutHere(new Map(), state) });
  try {
    const now = Date.now() / 1000;
    for (const [name, days] of [
      ['old.evidence', 91],
      ['open.evidence', 91],
      ['new.evidence', 89],
      ['notes.txt', 400],
    ] as const) {
      writeFileSync(join(folder, name), 'postern evidence 1\n');
      utimesSync(join(folder, name), now - days * day, now - days * day);
    }
    purgeOf(desk, 'AAAAAA', 'done', join(folder, 'old.evidence'));
    purgeOf(desk, 'AAAAAB', 'open', join(folder, 'open.evidence'));
    assert.deepEqual(dropOldEvidence(folder, 0, desk), [], '0: for ever');
    assert.deepEqual(dropOldEvidence(folder, 90 * day, desk), ['old.evidence']);
    assert.deepEqual(readdirSync(folder).toSorted(), ['new.evidence', 'notes.txt', 'open.evidence']);
    await assert.rejects(undo(['AAAAAA'], 'test', desk), /old\.evidence is gone: what was purged cannot be put back/);
    assert.equal(desk.receipts.get('AAAAAA')?.state, 'done');
    assert.ok(existsSync(folder));
  } finally {
    desk.close();
    rmSync(state, { recursive: true });
  }
});
