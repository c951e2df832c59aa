/** A map by two names, the first one of few. A key that joins them would have to be made and hashed for every question. */
export type ByPair<First, V> = {
  readonly get: (first: First, second: string) => V | undefined;
  readonly set: (first: First, second: string, value: V) => void;
  readonly delete: (first: First, second: string) => void;
  readonly clear: () => void;
  readonly size: () => number;
};

export const byPair = <First, V>(): ByPair<First, V> => {
  const maps = new Map<First, Map<string, V>>();
  let size = 0;
  return {
    get: (first, second) => maps.get(first)?.get(second),
    set: (first, second, value) => {
      let map = maps.get(first);
      if (map === undefined) maps.set(first, (map = new Map()));
      const before = map.size;
      map.set(second, value);
      size += map.size - before;
    },
    delete: (first, second) => {
      if (maps.get(first)?.delete(second) === true) size--;
    },
    clear: () => {
      maps.clear();
      size = 0;
    },
    size: () => size,
  };
};
