/**
 * Top-k by Space-Saving (Metwally et al. 2005): the k most frequent of an endless stream. A newcomer takes the place of
 * the rarest and inherits its count, so a count is too high by at most N/k, and everything above N/k is in the list.
 */
export type TopK = {
  readonly add: (item: string, times?: number) => void;
  /** Most frequent first. */
  readonly list: () => readonly { readonly item: string; readonly count: number }[];
};

export const createTopK = (itemsMax: number): TopK => {
  const counts = new Map<string, number>();
  const rarest = (): [string, number] => {
    let best: [string, number] = ['', Infinity];
    for (const entry of counts) if (entry[1] < best[1]) best = entry;
    return best;
  };
  return {
    add: (item, times = 1) => {
      const count = counts.get(item);
      if (count !== undefined) counts.set(item, count + times);
      else if (counts.size < itemsMax) counts.set(item, times);
      else {
        const [gone, least] = rarest();
        counts.delete(gone);
        counts.set(item, least + times);
      }
    },
    list: () => [...counts].map(([item, count]) => ({ item, count })).toSorted((a, b) => b.count - a.count),
  };
};
