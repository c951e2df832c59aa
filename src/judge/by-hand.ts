/**
 * What a person said by hand: nothing is to be done for a while (a pause), and who is let through whatever speaks against
 * it. Kept in the table, where every listener thread sees it at once; the ledger says it again after a restart, under a
 * new epoch, so that what was taken back meanwhile does not come back.
 *
 *   word 4  until     word 5  epoch     on the record of the guard itself also: word 6  paused until, word 7  allowances
 */
import { networkOf, prefixOf } from '../model/address.ts';
import { tags } from './detectors/tags.ts';
import { shapes } from './statistics/table.ts';
import type { Table } from './statistics/table.ts';

const guard = 'guard';

export type ByHand = {
  readonly pausedUntil: number;
  /** Addresses and networks of a size that is looked up (/32, /24; /64, /48), with their ends in seconds since 1970. */
  readonly allowed: ReadonlyMap<string, number>;
};

/** Replaces all that was said before. @param epoch another number each time */
export const sayByHand = (table: Table, { pausedUntil, allowed }: ByHand, epoch: number, seconds: number): void => {
  const at = table.place(tags.byHand, guard, shapes.guarded, seconds);
  for (const [subject, until] of allowed) {
    const place = table.place(tags.byHand, subject, shapes.guarded, seconds);
    if (place < 0) continue;
    table.words[place + 2] = seconds;
    table.words[place + 4] = until;
    table.words[place + 5] = epoch;
  }
  if (at < 0) return;
  table.words[at + 2] = seconds;
  table.words[at + 4] = 0xffff_ffff;
  table.words[at + 5] = epoch;
  table.words[at + 6] = pausedUntil;
  table.words[at + 7] = allowed.size;
};

export const isPaused = (table: Table, seconds: number): boolean => {
  const at = table.find(tags.byHand, guard);
  return at >= 0 && (table.words[at + 6] ?? 0) > seconds;
};

export const isAllowed = (table: Table, client: string, seconds: number): boolean => {
  const at = table.find(tags.byHand, guard);
  if (at < 0 || (table.words[at + 7] ?? 0) === 0) return false;
  const epoch = table.words[at + 5] ?? 0;
  return [prefixOf(client), networkOf(client)].some((subject) => {
    const place = table.find(tags.byHand, subject);
    return place >= 0 && table.words[place + 5] === epoch && (table.words[place + 4] ?? 0) > seconds;
  });
};
