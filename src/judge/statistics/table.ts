/**
 * One table of fixed-size records in shared memory: every statistic about every subject.
 *
 *   sets of 8 records; a record is 8 words of 32 bits
 *   word 0   low half of the key's hash
 *   word 1   high half; the two lowest bits are the record's shape (below), never all zero together with word 0
 *   word 2   time of the last change, seconds since 1970
 *   word 3   float32: the score (or count); its size says how telling the record is
 *   word 4…7 what the statistic needs; of a `guarded` record word 4 is the time until which it must not be evicted
 *
 * A new subject takes the least telling, oldest record of its set. A guarded one stays until its time, so a flood of
 * addresses cannot push out a proven or an established one; when a whole set is guarded the newcomer is not recorded,
 * which is the safe side. One thread writes, any thread reads; a reader checks the key again after it has read.
 */
import { hashInto } from './hash.ts';
import type { Hash } from './hash.ts';

const wordsPerRecord = 8;
const recordsPerSet = 8;
const wordsPerSet = wordsPerRecord * recordsPerSet;
const bytesPerSet = wordsPerSet * 4;

export const shapes = { guarded: 1, plain: 2 } as const;
type Shape = (typeof shapes)[keyof typeof shapes];

export type Table = {
  readonly words: Uint32Array;
  readonly floats: Float32Array;
  /** Index of the record's first word, or -1. */
  readonly find: (tag: number, subject: string) => number;
  /** As find; takes a place for a subject that has none. -1 when every record of its set is guarded. */
  readonly place: (tag: number, subject: string, shape: Shape, seconds: number) => number;
  /** Share of records in use, 0 to 1, from a sample of sets. */
  readonly fill: () => number;
};

const worth = (table: { words: Uint32Array; floats: Float32Array }, at: number, seconds: number): number => {
  const { words, floats } = table;
  if (((words[at + 1] ?? 0) & 3) === shapes.guarded && (words[at + 4] ?? 0) > seconds) return Infinity;
  const ageHours = Math.max(0, seconds - (words[at + 2] ?? 0)) / 3600;
  return (1 + Math.abs(floats[at + 3] ?? 0)) / (1 + ageHours);
};

/** @param bytes the first ones of the buffer; as many whole sets as fit are used, at least one (256 bytes) */
export const createTable = (buffer: SharedArrayBuffer | ArrayBuffer, bytes: number, seed: number): Table => {
  const sets = Math.floor(bytes / bytesPerSet);
  if (!(sets >= 1)) throw new RangeError(`a table needs at least ${bytesPerSet} bytes, got ${bytes}`);
  const words = new Uint32Array(buffer, 0, sets * wordsPerSet);
  const floats = new Float32Array(buffer, 0, sets * wordsPerSet);
  const hash: Hash = { low: 0, high: 0 };
  /** The set, by multiplication instead of division: any number of sets will do. */
  const startOf = (low: number): number => Math.floor((low / 2 ** 32) * sets) * wordsPerSet;

  const search = (): number => {
    const start = startOf(hash.low);
    for (let at = start; at < start + wordsPerSet; at += wordsPerRecord) {
      if (words[at] === hash.low && (((words[at + 1] ?? 0) ^ hash.high) & ~3) === 0 && words[at + 1] !== 0) return at;
    }
    return -1;
  };

  const victim = (seconds: number): number => {
    const start = startOf(hash.low);
    let best = -1;
    let bestWorth = Infinity;
    for (let at = start; at < start + wordsPerSet; at += wordsPerRecord) {
      if (words[at + 1] === 0) return at;
      const value = worth({ words, floats }, at, seconds);
      if (value < bestWorth) {
        best = at;
        bestWorth = value;
      }
    }
    return best;
  };

  return {
    words,
    floats,
    find: (tag, subject) => {
      hashInto(hash, seed, tag, subject);
      return search();
    },
    place: (tag, subject, shape, seconds) => {
      hashInto(hash, seed, tag, subject);
      const found = search();
      if (found >= 0) return found;
      const at = victim(seconds);
      if (at < 0) return -1;
      words[at + 1] = 0; // a reader that is here now sees an empty record, not a mixture
      words[at] = hash.low;
      words[at + 2] = seconds;
      words.fill(0, at + 3, at + wordsPerRecord);
      words[at + 1] = (hash.high & ~3) | shape;
      return at;
    },
    fill: () => {
      const step = Math.max(1, Math.floor((sets * recordsPerSet) / 4096)) * wordsPerRecord;
      let used = 0;
      let looked = 0;
      for (let at = 0; at < words.length; at += step, looked++) if (words[at + 1] !== 0) used++;
      return used / looked;
    },
  };
};
