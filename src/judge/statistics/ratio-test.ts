/**
 * Ratio test: a reflected log-likelihood ratio over first contacts, good or bad (a CUSUM of Wald's sequential test).
 *
 * Each first contact adds a term in nats; the sum decays, so neither an old sin nor an old virtue lasts for ever, and it
 * never falls below a floor, so no amount of good mail buys a licence: from full credit a run of bad contacts still
 * convicts. Bounds and parameters: DETECTION B.2 (A = 11.5 is α = 1e-5; false blocks once per 10^9 contacts at 5 % bad).
 * What it is bad at: attackers who stay below the ratio where both hypotheses are equally likely (θ* = .36).
 *
 *   word 3  float32 score      word 5  good contacts (low 16 bits), bad contacts (high), both saturating
 *   word 4  guarded until      word 6  days of the last 30 with a good contact, one bit each, newest lowest
 *                              word 7  the day of that newest bit
 *
 * Merging: scores add, counts add, days are united; the merged score is kept above the floor.
 */
import { changedAt, decayed, isAhead } from './decay.ts';
import { ones } from './ones.ts';
import { shapes } from './table.ts';
import type { Table } from './table.ts';

export type RatioLimits = { readonly floor: number; readonly floorEstablished: number };

const debtHalfLifeSeconds = 86_400;
const creditHalfLifeSeconds = 14 * 86_400;
const secondsPerDay = 86_400;
const establishedGoodMin = 100;
const establishedDaysMin = 10;
const establishedGuardSeconds = 30 * secondsPerDay;
const countMax = 0xffff;
/** However long an attack lasted, its client is forgiven within two quiet days. */
const ceiling = 25;

export type Ratio = {
  readonly score: number;
  readonly good: number;
  readonly bad: number;
  readonly established: boolean;
};
const noRatio: Ratio = { score: 0, good: 0, bad: 0, established: false };

const scoreAt = (table: Table, at: number, seconds: number): number => {
  const score = table.floats[at + 3] ?? 0;
  return decayed(score, seconds - (table.words[at + 2] ?? 0), score > 0 ? debtHalfLifeSeconds : creditHalfLifeSeconds);
};

const daysAt = (table: Table, at: number, seconds: number): number => {
  const passed = Math.floor(seconds / secondsPerDay) - (table.words[at + 7] ?? 0);
  if (passed >= 30) return 0;
  return passed <= 0 ? (table.words[at + 6] ?? 0) : ((table.words[at + 6] ?? 0) << passed) & 0x3fffffff;
};

const isEstablished = (table: Table, at: number, seconds: number): boolean =>
  ((table.words[at + 5] ?? 0) & countMax) >= establishedGoodMin &&
  ones(daysAt(table, at, seconds)) >= establishedDaysMin;

/** The score alone: what a verdict reads. 0 for a subject without a record. */
export const readScore = (table: Table, tag: number, subject: string, seconds: number): number => {
  const at = table.find(tag, subject);
  return at < 0 ? 0 : scoreAt(table, at, seconds);
};

export const readRatio = (table: Table, tag: number, subject: string, seconds: number): Ratio => {
  const at = table.find(tag, subject);
  if (at < 0) return noRatio;
  const counts = table.words[at + 5] ?? 0;
  return {
    score: scoreAt(table, at, seconds),
    good: counts & countMax,
    bad: counts >>> 16,
    established: isEstablished(table, at, seconds),
  };
};

const setCounts = (table: Table, at: number, good: number, bad: number): void => {
  table.words[at + 5] = (Math.min(countMax, good) | (Math.min(countMax, bad) << 16)) >>> 0;
};

const markDay = (table: Table, at: number, seconds: number): void => {
  const today = Math.floor(seconds / secondsPerDay);
  const newest = table.words[at + 7] ?? 0;
  const wasWrong = isAhead(newest * secondsPerDay, seconds);
  if (today < newest && !wasWrong) return;
  table.words[at + 6] = wasWrong ? 1 : daysAt(table, at, seconds) | 1;
  table.words[at + 7] = today;
};

/**
 * One first contact.
 * @param nats its term; positive speaks against the subject
 * @param startNats what a subject without a record starts with (a prior from its network)
 * @returns the new score; 0 when the table had no room (a safe miss)
 */
export const addContact = (
  table: Table,
  tag: number,
  subject: string,
  seconds: number,
  nats: number,
  limits: RatioLimits,
  startNats = 0,
): number => {
  const at = table.place(tag, subject, shapes.guarded, seconds);
  if (at < 0) return 0;
  const { words, floats } = table;
  const counts = words[at + 5] ?? 0;
  const before = counts === 0 && floats[at + 3] === 0 ? startNats : scoreAt(table, at, seconds);
  if (nats > 0) setCounts(table, at, counts & countMax, (counts >>> 16) + 1);
  else if (nats < 0) {
    setCounts(table, at, (counts & countMax) + 1, counts >>> 16);
    markDay(table, at, seconds);
  }
  const established = isEstablished(table, at, seconds);
  if (established) words[at + 4] = Math.max(words[at + 4] ?? 0, seconds + establishedGuardSeconds);
  const score = Math.min(ceiling, Math.max(established ? limits.floorEstablished : limits.floor, before + nats));
  floats[at + 3] = score;
  words[at + 2] = changedAt(words[at + 2] ?? 0, seconds);
  return score;
};
