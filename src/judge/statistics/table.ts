/**
 * One table of fixed-size records in shared memory: every statistic about every subject.
 *
 *   A subject's hash chooses its set, so that all its statistics lie together: a verdict that reads seven of them about a
 *   client and its network touches two sets. A set is 16 keys (one cache line), then 16 records of 6 words of 32 bits:
 *   28 bytes a record with its key.
 *   key      30 bits of the hash of subject and statistic; the two lowest bits are the record's shape (below), 0: empty
 *   word 2   time of the last change, seconds since 1970
 *   word 3   float32: the score (or count); its size says how telling the record is
 *   word 4…7 what the statistic needs; of a `guarded` record word 4 is the time until which it must not be evicted
 *
 * A new statistic takes the least telling, oldest record of its half of the set. A guarded one stays until its time, so a
 * flood of addresses cannot push out a proven or an established one; when the whole half is guarded the newcomer is not
 * recorded, which is the safe side. One thread writes, any thread reads. A key is found by chance with probability 16/2^30.
 */
import { hashInto } from './hash.ts';
import type { Hash } from './hash.ts';

const recordsPerSet = 16;
const wordsPerRecord = 6;
const wordsPerSet = recordsPerSet * (1 + wordsPerRecord);
const bytesPerSet = wordsPerSet * 4;
/** Words of a record are numbered from 2: its key, far off in the head of the set, counts as two. */
const firstWord = 2;

export const shapes = { guarded: 1, plain: 2 } as const;
type Shape = (typeof shapes)[keyof typeof shapes];
const shapeMask = 3;
const halfBit = 4;

export type Table = {
  readonly words: Uint32Array;
  readonly floats: Float32Array;
  /** Index from which the record's words are numbered, or -1. */
  readonly find: (tag: number, subject: string) => number;
  /** As find; takes a place for a subject that has none. -1 when every record that could make room is guarded. */
  readonly place: (tag: number, subject: string, shape: Shape, seconds: number) => number;
  /** Share of records in use, 0 to 1, from a sample of sets. */
  readonly fill: () => number;
};

type Turn = { subject: string | undefined; start: number; high: number };
const turnsKept = 4;

/** @param bytes the first ones of the buffer; as many whole sets as fit are used, at least one (448 bytes) */
// oxlint-disable-next-line max-lines-per-function -- a closure over one memory; each function in it is short
export const createTable = (buffer: SharedArrayBuffer | ArrayBuffer, bytes: number, seed: number): Table => {
  const sets = Math.floor(bytes / bytesPerSet);
  if (!(sets >= 1)) throw new RangeError(`a table needs at least ${bytesPerSet} bytes, got ${bytes}`);
  const words = new Uint32Array(buffer, 0, sets * wordsPerSet);
  const floats = new Float32Array(buffer, 0, sets * wordsPerSet);
  const hash: Hash = { low: 0, high: 0 };
  let start = 0;
  let high = 0;
  /** A client, its network and what it asked for are asked in turns for many statistics: each is hashed once. */
  const turns: Turn[] = Array.from({ length: turnsKept }, () => ({ subject: undefined, start: 0, high: 0 }));
  let oldest = 0;

  const turnTo = (subject: string): void => {
    for (const turn of turns)
      if (turn.subject === subject) {
        start = turn.start;
        high = turn.high;
        return;
      }
    hashInto(hash, seed, 0, subject);
    // By multiplication instead of division: any number of sets will do.
    start = Math.floor((hash.low / 2 ** 32) * sets) * wordsPerSet;
    high = hash.high | 0;
    const turn = turns[oldest];
    oldest = (oldest + 1) % turnsKept;
    if (turn === undefined) return;
    turn.subject = subject;
    turn.start = start;
    turn.high = high;
  };
  const keyOf = (tag: number): number => (high ^ Math.imul(tag + 1, 0x9e3779b1)) & ~shapeMask;
  const recordAt = (slot: number): number => start + recordsPerSet + slot * wordsPerRecord - firstWord;

  /** Records are replaced and never removed, so the first empty key ends the search. */
  const search = (key: number): number => {
    for (let slot = 0; slot < recordsPerSet; slot++) {
      const other = words[start + slot] ?? 0;
      if (other === 0) return -1;
      if (((other ^ key) & ~shapeMask) === 0) return slot;
    }
    return -1;
  };

  const firstEmpty = (): number => {
    for (let slot = 0; slot < recordsPerSet; slot++) if (words[start + slot] === 0) return slot;
    return -1;
  };

  /**
   * The record that makes room: of one half of the set, for under a flood this is what an update costs. The worth of a
   * record is (1 + |score|) / (1 + hours of age), compared without dividing.
   */
  const victim = (key: number, seconds: number): number => {
    const half = (key & halfBit) === 0 ? 0 : recordsPerSet / 2;
    let best = -1;
    let bestTelling = 1;
    let bestAge = 0;
    for (let slot = half; slot < half + recordsPerSet / 2; slot++) {
      const at = recordAt(slot);
      if (((words[start + slot] ?? 0) & shapeMask) === shapes.guarded && (words[at + 4] ?? 0) > seconds) continue;
      const telling = 1 + Math.abs(floats[at + 3] ?? 0);
      const age = 1 + Math.max(0, seconds - (words[at + 2] ?? 0)) / 3600;
      if (telling * bestAge >= bestTelling * age) continue;
      best = slot;
      bestTelling = telling;
      bestAge = age;
    }
    return best;
  };

  return {
    words,
    floats,
    find: (tag, subject) => {
      turnTo(subject);
      const slot = search(keyOf(tag));
      return slot < 0 ? -1 : recordAt(slot);
    },
    place: (tag, subject, shape, seconds) => {
      turnTo(subject);
      const key = keyOf(tag);
      const found = search(key);
      if (found >= 0) return recordAt(found);
      const slot = words[start + recordsPerSet - 1] === 0 ? firstEmpty() : victim(key, seconds);
      if (slot < 0) return -1;
      const at = recordAt(slot);
      // A reader that is here now finds a record that means nothing, not a mixture of two.
      if (words[start + slot] !== 0) words[start + slot] = shapes.plain;
      words[at + 2] = seconds;
      for (let word = at + 3; word < at + firstWord + wordsPerRecord; word++) words[word] = 0;
      words[start + slot] = key | shape;
      return at;
    },
    fill: () => {
      const step = Math.max(1, Math.floor(sets / 1024)) * wordsPerSet;
      let used = 0;
      let looked = 0;
      for (let set = 0; set < words.length; set += step, looked += recordsPerSet)
        for (let slot = 0; slot < recordsPerSet; slot++) if (words[set + slot] !== 0) used++;
      return used / looked;
    },
  };
};
