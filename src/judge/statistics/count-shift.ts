/**
 * Count shift: the second look at a crowd, for a slow campaign among many honest newcomers, whose share stays low. Events
 * are counted in bins of five minutes; their usual counts are negative binomial (clumped), with mean m and size r learned
 * for each hour of the day with a half-life of a week. g sums the log-likelihood ratio of four times the usual mean
 * against the usual one, g = max(0, g + LLR), alarm above 11.5: at most 0.2 false ones in 30 days (DETECTION B.3).
 * Nothing is learned while g is raised.
 *
 *   of the target   word 3 float32 g      word 5 bin (seconds / 300)   word 6 events in it   word 7 events in all
 *   of an hour      word 3 float32 m      word 6 float32 mean of the squares   word 7 bins learned
 *   both            word 4 guarded until
 *
 * Merging: g adds, bins of the same number add.
 */
import { changedAt, isAhead } from './decay.ts';
import { shapes } from './table.ts';
import type { Table } from './table.ts';

const binSeconds = 300;
const binsPerHour = 12;
const shift = 4;
const alarmAbove = 11.5;
/** 84 bins of one hour are a week. */
const keptPerBin = 2 ** (-1 / 84);
/** Three days: an hour of which less is known only learns. */
const binsKnown = 36;
const meanMin = 0.02;
const sizeMin = 0.2;
const sizeMax = 50;
/** A longer silence counts as one of a week. */
const hoursMax = 168;
const guardSeconds = 30 * 86_400;
/** Before so many events a target is not guarded, so that a flood of made-up ones does not fill the table. */
const guardFrom = 20;

export type ShiftTags = { readonly target: number; readonly hour: number };

const sizeOf = (mean: number, squares: number): number => {
  const excess = squares - mean ** 2 - mean;
  return excess <= 0 ? sizeMax : Math.min(sizeMax, Math.max(sizeMin, mean ** 2 / excess));
};

/** Of `bins` bins with `count` events each. */
const llr = (count: number, bins: number, mean: number, size: number): number =>
  bins *
  (count * Math.log((shift * (size + mean)) / (size + shift * mean)) +
    size * Math.log((size + mean) / (size + shift * mean)));

type Counting = {
  readonly table: Table;
  readonly tags: ShiftTags;
  readonly target: string;
  readonly guardedUntil: number;
  readonly seconds: number;
};

/** Finished bins of one hour, each with so many events. */
type Bins = { readonly hour: number; readonly bins: number; readonly count: number };

/** Takes finished bins into g, and learns them while g is low. */
const close = ({ table, tags, target, guardedUntil, seconds }: Counting, g: number, finished: Bins): number => {
  const { hour, bins, count } = finished;
  const at = table.place(tags.hour, `${target} ${hour % 24}`, shapes.guarded, seconds);
  if (at < 0) return g;
  const { words, floats } = table;
  const known = words[at + 7] ?? 0;
  const mean = Math.max(meanMin, floats[at + 3] ?? 0);
  const squares = floats[at + 6] ?? 0;
  words[at + 4] = guardedUntil;
  words[at + 2] = changedAt(words[at + 2] ?? 0, seconds);
  const next = known < binsKnown ? g : Math.max(0, g + llr(count, bins, mean, sizeOf(mean, squares)));
  if (next < alarmAbove / 2) {
    // A plain average first, so that the start is forgotten.
    const kept = Math.min(keptPerBin ** bins, known / (known + bins));
    words[at + 7] = Math.min(0xffffffff, known + bins);
    floats[at + 3] = mean * kept + count * (1 - kept);
    floats[at + 6] = squares * kept + count ** 2 * (1 - kept);
  }
  return next;
};

/** Counts an event; true when the bins before it raise (or keep up) the alarm. */
export const shifts = (table: Table, tags: ShiftTags, target: string, seconds: number): boolean => {
  const bin = Math.floor(seconds / binSeconds);
  let at = table.place(tags.target, target, shapes.guarded, seconds);
  if (at < 0) return false;
  const { words, floats } = table;
  const total = Math.min(0xffffffff, (words[at + 7] ?? 0) + 1);
  const isFirst = total === 1;
  const isNew = isFirst || isAhead((words[at + 5] ?? 0) * binSeconds, seconds);
  const open = isNew ? bin : (words[at + 5] ?? 0);
  const count = isNew ? 0 : (words[at + 6] ?? 0);
  let g = floats[at + 3] ?? 0;
  const guardedUntil = total < guardFrom ? 0 : seconds + guardSeconds;
  if (bin > open) {
    const counting = { table, tags, target, guardedUntil, seconds };
    const hourOf = (which: number): number => Math.floor(which / binsPerHour);
    g = close(counting, g, { hour: hourOf(open), bins: 1, count });
    for (let from = Math.max(open + 1, bin - hoursMax * binsPerHour); from < bin;) {
      const to = Math.min(bin, (hourOf(from) + 1) * binsPerHour);
      g = close(counting, g, { hour: hourOf(from), bins: to - from, count: 0 });
      from = to;
    }
  }
  // The hours' records may have pushed it out meanwhile.
  at = table.place(tags.target, target, shapes.guarded, seconds);
  if (at < 0) return false;
  floats[at + 3] = Math.min(g, 2 * alarmAbove);
  words[at + 2] = changedAt(words[at + 2] ?? 0, seconds);
  words[at + 4] = guardedUntil;
  words[at + 5] = Math.max(open, bin);
  words[at + 6] = bin > open ? 1 : count + 1;
  words[at + 7] = total;
  return g > alarmAbove;
};
