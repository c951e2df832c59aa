/**
 * A server that takes every name tells nothing in words. The time that it takes may: a name that exists is looked up further
 * (its quota, its filters), or found sooner. Names that exist and names that do not are asked for in turn.
 */
import { notProven, proven, wrong } from './finding.ts';
import type { Finding } from './finding.ts';
import { namesPerSession, tryRecipients, unknownName } from './recipients.ts';
import type { Onlooker, Tried } from './recipients.ts';

const sessions = 3;
/** Across the world smaller differences drown. */
const differenceMsMin = 5;
const id = 'timing';

const medianOf = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;

/** Of every five, four must lie on their side of the line between the medians: a pause here and there is no difference. */
const shareMin = 0.8;
const areApart = (faster: readonly number[], slower: readonly number[], line: number): boolean =>
  faster.filter((ms) => ms < line).length >= shareMin * faster.length &&
  slower.filter((ms) => ms > line).length >= shareMin * slower.length;

const words = (ms: number): string => `${ms.toFixed(1)} ms`;

/** @param there times of a name that exists, milliseconds. @param others of names that do not */
export const timingFinding = (there: readonly number[], others: readonly number[]): Finding => {
  const [known, unknown] = [medianOf(there), medianOf(others)];
  const [faster, slower] = known < unknown ? [there, others] : [others, there];
  const told = `a name that exists is answered in ${words(known)}, one that does not in ${words(unknown)}`;
  return Math.abs(known - unknown) >= differenceMsMin && areApart(faster, slower, (known + unknown) / 2)
    ? wrong(id, `${told}: who exists can be told by the time`)
    : proven(id, told);
};

export const lookAtTiming = async (onlooker: Onlooker, domain: string): Promise<Finding> => {
  const [there, others]: [Tried[], Tried[]] = [[], []];
  for (let session = 0; session < sessions; session++) {
    const names = Array.from({ length: namesPerSession }, (_, at) =>
      at % 2 === 0 ? onlooker.target.recipient : `${unknownName()}@${domain}`,
    );
    for (const [at, tried] of (await tryRecipients(onlooker, '', names)).entries())
      (at % 2 === 0 ? there : others).push(tried);
  }
  const unlike = [...there, ...others].find(({ meaning }) => meaning !== 'granted');
  if (unlike !== undefined) return notProven(id, `not every name was taken: ${unlike.words}`);
  const timesOf = (all: readonly Tried[]): readonly number[] => all.map(({ ms }) => ms);
  return timingFinding(timesOf(there), timesOf(others));
};
