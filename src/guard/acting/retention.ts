/** What the ledger forgets: old and closed, or beyond a number. (Evidence files: `queue/evidence.ts`.) */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OpenDesk } from '../desk.ts';
import { durationSeconds } from '../settings.ts';
import type { Values } from '../settings.ts';

/** Of two thousand each: a ledger that was never cleaned is cleaned over some hours. */
const batchesMax = 25;

/** @returns how many actions were forgotten */
export const forgetOld = async (desk: OpenDesk, values: Values): Promise<number> => {
  const keepMs = (durationSeconds(values.get('ledger.keep')) ?? 0) * 1000;
  const limits = { before: desk.now() - keepMs, receiptsMax: Number(values.get('ledger.actionsMax')) };
  let count = 0;
  for (let batch = 0; batch < batchesMax; batch++) {
    const forgotten = desk.archive.forget(limits);
    count += forgotten;
    if (forgotten === 0) break;
    // The guard's other work is not kept waiting.
    await nextTurn();
  }
  return count;
};
