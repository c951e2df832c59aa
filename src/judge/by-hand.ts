/**
 * What a person said by hand: nothing is to be done for a while (a pause), who is let through whatever speaks against it,
 * and which account must not log in. Kept in the table, where every listener thread sees it at once; the ledger says it again after a restart, under a
 * new epoch, so that what was taken back meanwhile does not come back.
 *
 *   word 4  until     word 5  epoch     on the record of the guard itself also: word 6  paused until, word 7  marks
 */
import { networkOf, prefixOf } from '../model/address.ts';
import { tags } from './detectors/tags.ts';
import { shapes } from './statistics/table.ts';
import type { Table } from './statistics/table.ts';

const guard = 'guard';

/** No address or network is written so. */
const shutOf = (account: string): string => `login ${account.toLowerCase()}`;

const strictMark = 'strict answers';

export type ByHand = {
  readonly pausedUntil: number;
  /** Addresses and networks of a size that is looked up (/32, /24; /64, /48), with their ends in seconds since 1970. */
  readonly allowed: ReadonlyMap<string, number>;
  /** Accounts in lower case, with their ends. */
  readonly shutOut: ReadonlyMap<string, number>;
  /** Until when who was never good is asked to come back later; 0: not. */
  readonly strictUntil: number;
};

/** Replaces all that was said before. @param epoch another number each time */
export const sayByHand = (
  table: Table,
  { pausedUntil, allowed, shutOut, strictUntil }: ByHand,
  epoch: number,
  seconds: number,
): void => {
  const at = table.place(tags.byHand, guard, shapes.guarded, seconds);
  const strict = strictUntil > 0 ? [[strictMark, strictUntil] as const] : [];
  const marks = [...allowed, ...strict, ...[...shutOut].map(([account, until]) => [shutOf(account), until] as const)];
  for (const [subject, until] of marks) {
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
  table.words[at + 7] = marks.length;
};

export const isPaused = (table: Table, seconds: number): boolean => {
  const at = table.find(tags.byHand, guard);
  return at >= 0 && (table.words[at + 6] ?? 0) > seconds;
};

/** True when there is any mark at all: most of the time there is none, and one look is enough. */
const hasMarks = (table: Table): boolean => {
  const at = table.find(tags.byHand, guard);
  return at >= 0 && (table.words[at + 7] ?? 0) > 0;
};

const isMarked = (table: Table, subject: string, seconds: number): boolean => {
  const at = table.find(tags.byHand, guard);
  const epoch = at < 0 ? 0 : table.words[at + 5];
  const place = table.find(tags.byHand, subject);
  return place >= 0 && table.words[place + 5] === epoch && (table.words[place + 4] ?? 0) > seconds;
};

export const isAllowed = (table: Table, client: string, seconds: number): boolean =>
  hasMarks(table) && [prefixOf(client), networkOf(client)].some((subject) => isMarked(table, subject, seconds));

export const isShutOut = (table: Table, account: string, seconds: number): boolean =>
  hasMarks(table) && isMarked(table, shutOf(account), seconds);

/** True in an emergency: unknown clients hear a 4xx until they come back. */
export const isStrict = (table: Table, seconds: number): boolean =>
  hasMarks(table) && isMarked(table, strictMark, seconds);
