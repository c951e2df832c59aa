/**
 * Where an account is at home: networks it has been seen in for some days. Only an account that was known before can be
 * away; a new one has no home yet, and neither has anybody on the guard's first day.
 *
 *   word 2  last seen      word 5  first seen, seconds since 1970
 */
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';
import { tags } from './tags.ts';

const homeAfterSeconds = 3 * 86_400;
/** So much longer than a place the account itself must have been known. */
const knownBeforeSeconds = 86_400;
/** Not seen there for so long, it is a new place again. */
const forgottenSeconds = 60 * 86_400;

/** Notes that it is seen, and says since when. */
const seenSince = (table: Table, tag: number, subject: string, seconds: number): number => {
  const at = table.place(tag, subject, shapes.guarded, seconds);
  if (at < 0) return 0;
  const { words } = table;
  const isNew = (words[at + 5] ?? 0) === 0 || seconds - (words[at + 2] ?? 0) > forgottenSeconds;
  if (isNew) words[at + 5] = seconds;
  words[at + 2] = Math.max(words[at + 2] ?? 0, seconds);
  words[at + 4] = seconds + forgottenSeconds;
  return words[at + 5] ?? seconds;
};

/** Notes a sighting; true when the account is used from a place that is new to it. */
export const isAway = (table: Table, account: string, network: string, seconds: number): boolean => {
  const known = seenSince(table, tags.accountSeen, account, seconds);
  const there = seenSince(table, tags.accountPlace, `${account} ${network}`, seconds);
  return there - known >= knownBeforeSeconds && seconds - there < homeAfterSeconds;
};
