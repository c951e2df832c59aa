/**
 * Rate: the generic cell rate algorithm (a leaky bucket in one number, exact): `burst` at once, then `perHour`.
 *
 *   word 3  float32: how full the bucket was, in events, at word 2
 *   word 5  events in all, saturating at 2^32 - 1
 *
 * Merging: levels add.
 */
import { changedAt } from './decay.ts';
import { shapes } from './table.ts';
import type { Table } from './table.ts';

export type Allowance = { readonly perHour: number; readonly burst: number };

const levelAt = (table: Table, at: number, seconds: number, allowance: Allowance): number => {
  const passed = Math.max(0, seconds - (table.words[at + 2] ?? 0));
  return Math.max(0, (table.floats[at + 3] ?? 0) - (passed * allowance.perHour) / 3600);
};

/**
 * Adds `events`; true when the allowance is exceeded by them. The bucket never holds more than the burst and one; a
 * negative number empties it by so much, and it is never owed anything.
 */
export const exceeds = (
  table: Table,
  tag: number,
  subject: string,
  seconds: number,
  allowance: Allowance,
  events = 1,
): boolean => {
  const at = table.place(tag, subject, shapes.plain, seconds);
  if (at < 0) return false;
  const level = Math.max(0, levelAt(table, at, seconds, allowance) + events);
  table.floats[at + 3] = Math.min(level, allowance.burst + 1);
  table.words[at + 2] = changedAt(table.words[at + 2] ?? 0, seconds);
  table.words[at + 5] = Math.min(0xffffffff, (table.words[at + 5] ?? 0) + Math.max(0, events));
  return level > allowance.burst;
};

/** How full the bucket is now, in events. */
export const levelNow = (table: Table, tag: number, subject: string, seconds: number, allowance: Allowance): number => {
  const at = table.find(tag, subject);
  return at < 0 ? 0 : levelAt(table, at, seconds, allowance);
};
