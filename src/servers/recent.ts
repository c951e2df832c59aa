/**
 * A map that remembers the recent and forgets the old, in two generations: when the young one is full it becomes the
 * old one and the old one is dropped. Bounded at twice `entriesMax`, no bookkeeping per entry.
 */
import { keep } from '../model/keep.ts';

export type Recent<V> = {
  readonly get: (key: string) => V | undefined;
  readonly set: (key: string, value: V) => void;
  readonly delete: (key: string) => void;
};

export const recent = <V>(entriesMax: number): Recent<V> => {
  let young = new Map<string, V>();
  let old = new Map<string, V>();
  const set = (key: string, value: V): void => {
    if (young.size >= entriesMax) {
      old = young;
      young = new Map();
    }
    young.set(keep(key), value);
  };
  return {
    set,
    get: (key) => {
      const value = young.get(key);
      if (value !== undefined) return value;
      const older = old.get(key);
      if (older !== undefined) {
        old.delete(key);
        set(key, older);
      }
      return older;
    },
    delete: (key) => {
      young.delete(key);
      old.delete(key);
    },
  };
};
