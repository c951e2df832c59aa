/**
 * First contacts: was this pair seen lately? Attempts are the wrong statistic; only the first contact with a target
 * counts (Jung et al. 2004), so every pair (client, recipient), (client, account) … passes here first.
 *
 * A set-associative memory of 32-bit marks: 8 marks a set (32 bytes, one cache line), a mark is 25 bits of hash and the
 * day (mod 128) it was seen last. The oldest mark of a set goes first. 4 M marks in 16 MiB hold a week of 600,000 new
 * pairs a day; under a flood the memory gets shorter, never larger, and a forgotten pair counts as new once more.
 * A pair never seen is taken for seen with probability 8/2^25 (then one observation is lost: the safe side).
 */
import { hashInto } from './hash.ts';
import type { Hash } from './hash.ts';

const marksPerSet = 8;
const dayMask = 127;
const secondsPerDay = 86_400;

export type FirstContacts = {
  readonly marks: Uint32Array;
  /**
   * True the first time in `days` days that the pair is met; meeting it again renews it.
   * @param partner the pair's second half, which a space divides from the first
   */
  readonly isFirst: (tag: number, pair: string, seconds: number, days: number, partner?: string) => boolean;
};

/** @param from the first byte of the buffer to use, a multiple of 4; all of the rest is used */
export const createFirstContacts = (
  buffer: SharedArrayBuffer | ArrayBuffer,
  from: number,
  seed: number,
): FirstContacts => {
  const sets = Math.floor((buffer.byteLength - from) / (marksPerSet * 4));
  if (!(sets >= 1)) throw new RangeError(`first contacts need at least 32 bytes, got ${buffer.byteLength - from}`);
  const marks = new Uint32Array(buffer, from, sets * marksPerSet);
  const hash: Hash = { low: 0, high: 0 };
  const ageOf = (mark: number, today: number): number =>
    mark === 0 ? dayMask + 1 : (today - (mark & dayMask)) & dayMask;
  return {
    marks,
    isFirst: (tag, pair, seconds, days, partner) => {
      hashInto(hash, seed, tag, pair, partner);
      const start = Math.floor((hash.low / 2 ** 32) * sets) * marksPerSet;
      const today = Math.floor(seconds / secondsPerDay) & dayMask;
      const mark = ((hash.high & ~dayMask) | today) >>> 0 || 1;
      for (let at = start; at < start + marksPerSet; at++) {
        const other = marks[at] ?? 0;
        if (other === 0 || ((other ^ mark) & ~dayMask) !== 0) continue;
        marks[at] = mark;
        const age = ageOf(other, today);
        // Half the circle counts as past: a clock that jumps back a day does not make a pair new.
        return age > days && age < dayMask - 14;
      }
      let oldest = start;
      let oldestAge = -1;
      for (let at = start; at < start + marksPerSet; at++) {
        const age = ageOf(marks[at] ?? 0, today);
        if (age <= oldestAge) continue;
        oldest = at;
        oldestAge = age;
      }
      marks[oldest] = mark;
      return true;
    },
  };
};
