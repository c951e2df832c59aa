/**
 * Counts per name for reports, in two generations: when the young one is full it becomes the old one and the old one
 * goes. Who is met again moves to the young one, so a flood of one-shot names pushes out the quiet, never the busy.
 * Exact for everything met within the last `entriesMax` names; bounded at twice that.
 */
import { keep } from '../../model/keep.ts';

export type Counts<C> = {
  /** The count of this name, made when it is new. */
  readonly of: (name: string) => C;
  readonly entries: () => Iterable<readonly [string, C]>;
};

/** @param own makes a text of its own of a name that may be a piece of a log */
export const createCounts = <C>(entriesMax: number, make: () => C, own = keep): Counts<C> => {
  let young = new Map<string, C>();
  let old = new Map<string, C>();
  return {
    of: (name) => {
      const known = young.get(name);
      if (known !== undefined) return known;
      const count = old.get(name) ?? make();
      old.delete(name);
      if (young.size >= entriesMax) {
        old = young;
        young = new Map();
      }
      young.set(own(name), count);
      return count;
    },
    *entries() {
      yield* old;
      yield* young;
    },
  };
};
