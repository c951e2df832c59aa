/**
 * Where an account is at home: networks it has been seen in for some days. An account that was known before is away
 * elsewhere; a new one has no home yet, and neither has anybody in the guard's first days.
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

/** What was earned elsewhere is no credit in a place that is new. */
const forgetCredit = (table: Table, account: string): void => {
  const at = table.find(tags.accountAway, account);
  if (at >= 0) table.floats[at + 3] = Math.max(0, table.floats[at + 3] ?? 0);
};

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

/** `home`; `away`: a known account in a place that is new to it; `new`: the account itself is not known for long. */
type Whereabouts = 'home' | 'away' | 'new';

/** Notes a sighting, and says what it is. */
export const homeOf = (table: Table, account: string, network: string, seconds: number): Whereabouts => {
  const known = seenSince(table, tags.accountSeen, account, seconds);
  const there = seenSince(table, tags.accountPlace, `${account} ${network}`, seconds);
  if (there === seconds) forgetCredit(table, account);
  if (seconds - there >= homeAfterSeconds) return 'home';
  return there - known >= knownBeforeSeconds ? 'away' : 'new';
};
