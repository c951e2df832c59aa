/**
 * Turned away for its load: a client above its allowance of connections hears 421 at connect, and what follows at the firewall
 * is told once an hour. It is no conviction: a temporary answer and a closed port lose no mail, so whoever stops is served.
 *
 *   word 4  turned away until     word 5  told of until
 */
import { tags } from '../detectors/tags.ts';
import { isAhead } from '../statistics/decay.ts';
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';

const turnedAwaySeconds = 60;
export const shutOutSeconds = 3600;

export const isFlooding = (table: Table, prefix: string, seconds: number): boolean => {
  const at = table.find(tags.flooding, prefix);
  const until = at < 0 ? 0 : (table.words[at + 4] ?? 0);
  return until > seconds && !isAhead(until, seconds);
};

/** @returns true when nobody was told of it within the last hour */
export const markFlooding = (table: Table, prefix: string, seconds: number): boolean => {
  const at = table.place(tags.flooding, prefix, shapes.guarded, seconds);
  if (at < 0) return false;
  const { words } = table;
  words[at + 2] = seconds;
  words[at + 4] = seconds + turnedAwaySeconds;
  const told = words[at + 5] ?? 0;
  if (told > seconds && !isAhead(told, seconds)) return false;
  words[at + 5] = seconds + shutOutSeconds;
  return true;
};
