/**
 * Conviction: a client whose score passed the threshold is hostile for a while, longer each time within 30 days. The
 * record is guarded, so no flood pushes it out, and it ends by itself.
 *
 *   word 4  hostile until     word 5  convictions within 30 days     word 6  time of the last conviction
 */
import { isAhead } from '../statistics/decay.ts';
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';
import { tags } from '../detectors/tags.ts';

const hour = 3600;
const termSeconds = [hour, 4 * hour, 24 * hour, 7 * 24 * hour] as const;
const memorySeconds = 30 * 24 * hour;

/** End of the client's conviction, seconds since 1970; 0 when it is not hostile. */
export const hostileUntil = (table: Table, prefix: string, seconds: number): number => {
  const at = table.find(tags.hostile, prefix);
  const until = at < 0 || isAhead(table.words[at + 6] ?? 0, seconds) ? 0 : (table.words[at + 4] ?? 0);
  return until > seconds ? until : 0;
};

/** Convicts; returns until when. A conviction that still runs is prolonged to a whole term, not made harder. */
export const convict = (table: Table, prefix: string, seconds: number): number => {
  const at = table.place(tags.hostile, prefix, shapes.guarded, seconds);
  if (at < 0) return 0;
  const { words } = table;
  const running = hostileUntil(table, prefix, seconds) > 0;
  const recent = seconds - (words[at + 6] ?? 0) < memorySeconds;
  const before = recent ? (words[at + 5] ?? 0) : 0;
  const count = running ? Math.max(1, before) : before + 1;
  const term = termSeconds[Math.min(count, termSeconds.length) - 1] ?? hour;
  words[at + 2] = seconds;
  words[at + 4] = seconds + term;
  words[at + 5] = count;
  words[at + 6] = seconds;
  return seconds + term;
};
