/**
 * Contact blocks: what no single address shows (Javed & Paxson 2013). First contacts of never-good networks with one
 * target are taken in blocks of 20; X of them are bad. Honest newcomers give a beta-binomial X with mean μ and
 * correlation ρ; z = (X - 20 μ) / sd is summed with a drift, g = max(0, g + z - 1), alarm above 5. Volume and time of day
 * do not matter, only the share of bad ones does; one false alarm in 84,000 first contacts at μ = .10 (DETECTION B.3).
 * The baseline μ learns with a half-life of about 35 blocks, not while g is raised, and at most doubles in a week.
 *
 *   word 3  float32 g         word 5  contacts in the block (low 16 bits), bad ones (high)
 *   word 4  guarded until     word 6  float32 μ        word 7  alarm until, seconds since 1970 (0: none)
 */
import { changedAt } from './decay.ts';
import { shapes } from './table.ts';
import type { Table } from './table.ts';

const blockSize = 20;
const alarmAbove = 5;
const shareAtStart = 0.1;
const correlation = 0.02;
const shareMin = 0.05;
const shareMax = 0.5;
const learningRate = 0.02;
const alarmSeconds = 6 * 3600;
/** Who comes back when the alarm ends was waiting for that: the next alarm is longer. */
const returnSeconds = 24 * 3600;
const guardSeconds = 90 * 86_400;

const zOf = (bad: number, share: number): number => {
  const variance = blockSize * share * (1 - share) * (1 + (blockSize - 1) * correlation);
  return (bad - blockSize * share) / Math.sqrt(variance);
};

/** Adds a first contact; true when this one raises (or renews) the alarm. */
export const addToBlock = (table: Table, tag: number, target: string, seconds: number, bad: boolean): boolean => {
  const at = table.place(tag, target, shapes.guarded, seconds);
  if (at < 0) return false;
  const { words, floats } = table;
  const counts = words[at + 5] ?? 0;
  const contacts = (counts & 0xffff) + 1;
  const badOnes = (counts >>> 16) + (bad ? 1 : 0);
  words[at + 2] = changedAt(words[at + 2] ?? 0, seconds);
  if (contacts < blockSize) {
    words[at + 5] = (contacts | (badOnes << 16)) >>> 0;
    return false;
  }
  // Only from a whole block on, so that a flood of made-up targets does not fill the table with guarded records.
  words[at + 4] = seconds + guardSeconds;
  words[at + 5] = 0;
  const share = floats[at + 6] === 0 ? shareAtStart : (floats[at + 6] ?? shareAtStart);
  const g = Math.max(0, (floats[at + 3] ?? 0) + zOf(badOnes, share) - 1);
  // g is capped so that the alarm ends within a few quiet blocks, however long the attack was.
  floats[at + 3] = Math.min(g, 3 * alarmAbove);
  if (g <= alarmAbove / 2) {
    const learned = share + learningRate * (badOnes / blockSize - share);
    floats[at + 6] = Math.min(shareMax, Math.max(shareMin, learned));
  }
  if (g <= alarmAbove) return false;
  ring(table, at, seconds);
  return true;
};

const ring = ({ words }: Table, at: number, seconds: number): void => {
  const ended = words[at + 7] ?? 0;
  const isReturn = ended !== 0 && ended <= seconds && seconds - ended < returnSeconds;
  words[at + 7] = Math.max(ended, seconds + (isReturn ? returnSeconds : alarmSeconds));
};

/** The same alarm, raised by another statistic about the same target. */
export const raiseAlarm = (table: Table, tag: number, target: string, seconds: number): void => {
  const at = table.place(tag, target, shapes.guarded, seconds);
  if (at < 0) return;
  table.words[at + 4] = Math.max(table.words[at + 4] ?? 0, seconds + guardSeconds);
  ring(table, at, seconds);
};

/** True while the target's alarm lasts: six hours after the last block that kept it up. */
export const isAlarmed = (table: Table, tag: number, target: string, seconds: number): boolean => {
  const at = table.find(tag, target);
  return at >= 0 && (table.words[at + 7] ?? 0) > seconds;
};
