/** What the ledger forgets, and the evidence files of what is forgotten: old, closed, or beyond a number. */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Memory } from '../../model/receipt.ts';
import type { OpenDesk } from '../desk.ts';
import { durationSeconds } from '../settings.ts';
import type { Values } from '../settings.ts';

/** Of two thousand each: a ledger that was never cleaned is cleaned over some hours. */
const batchesMax = 25;

const evidenceOf = (memory: Memory): string | undefined => {
  const isObject = typeof memory === 'object' && memory !== null && !Array.isArray(memory);
  const evidence = isObject && 'evidence' in memory ? memory['evidence'] : undefined;
  return typeof evidence === 'string' ? evidence : undefined;
};

/** @param evidence the folder of evidence files: nothing elsewhere is removed. @returns how many actions were forgotten */
export const forgetOld = async (desk: OpenDesk, values: Values, evidence: string): Promise<number> => {
  const keepMs = (durationSeconds(values.get('ledger.keep')) ?? 0) * 1000;
  const limits = { before: desk.now() - keepMs, receiptsMax: Number(values.get('ledger.actionsMax')) };
  let count = 0;
  for (let batch = 0; batch < batchesMax; batch++) {
    const forgotten = desk.archive.forget(limits);
    for (const { memory } of forgotten) {
      const file = evidenceOf(memory);
      if (file !== undefined && dirname(file) === evidence) rmSync(file, { force: true });
    }
    count += forgotten.length;
    if (forgotten.length === 0) break;
    // The guard's other work is not kept waiting.
    await nextTurn();
  }
  return count;
};
