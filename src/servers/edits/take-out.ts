/**
 * What we wrote into a file is taken out again after somebody has edited it: each place that we changed is found in the text
 * of now and gets its own lines back, every other byte stays. Where one of our places is not found as we left it, nothing is.
 */

/** Lines of the file before that we replaced by others (none: we only added; no others: we only removed). */
type Place = {
  readonly old: readonly string[];
  readonly ours: readonly string[];
  /** What stood around ours, nearest last and nearest first. */
  readonly above: readonly string[];
  readonly below: readonly string[];
};

const contextMax = 3;
/** Comparisons of lines; beyond, the two texts have little to do with each other. */
const comparisonsMax = 8_000_000;

/** Length of the longest common subsequence of all suffixes, a row a line of `before`. */
const commonLengths = (before: readonly string[], after: readonly string[]): readonly Uint32Array[] => {
  const rows = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--) {
      const [row, below] = [rows[i], rows[i + 1]];
      if (row === undefined || below === undefined) continue;
      row[j] = before[i] === after[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  return rows;
};

/** A line of both texts, by its index in each; those of the longest common subsequence in their order. */
type Common = readonly [before: number, after: number];

const commonLines = (before: readonly string[], after: readonly string[], start: number): readonly Common[] => {
  const rows = commonLengths(before, after);
  const found: Common[] = [];
  for (let i = 0, j = 0; i < before.length && j < after.length;) {
    if (before[i] === after[j]) found.push([start + i++, start + j++]);
    else if ((rows[i + 1]?.[j] ?? 0) >= (rows[i]?.[j + 1] ?? 0)) i++;
    else j++;
  }
  return found;
};

const sameAtStart = (one: readonly string[], other: readonly string[], max: number): number => {
  let count = 0;
  while (count < max && one[count] === other[count]) count++;
  return count;
};

/** What lies between common lines. */
const placesOf = (before: readonly string[], after: readonly string[]): readonly Place[] | undefined => {
  const shorter = Math.min(before.length, after.length);
  const start = sameAtStart(before, after, shorter);
  const end = sameAtStart(before.toReversed(), after.toReversed(), shorter - start);
  const [endOld, endOurs] = [before.length - end, after.length - end];
  if ((endOld - start) * (endOurs - start) > comparisonsMax) return undefined;
  const common = commonLines(before.slice(start, endOld), after.slice(start, endOurs), start);
  let [i, j] = [start, start];
  return [...common, [endOld, endOurs] as const].flatMap(([nextOld, nextOurs]) => {
    const place: Place = {
      old: before.slice(i, nextOld),
      ours: after.slice(j, nextOurs),
      above: after.slice(Math.max(0, j - contextMax), j),
      below: after.slice(nextOurs, nextOurs + contextMax),
    };
    [i, j] = [nextOld + 1, nextOurs + 1];
    return place.old.length === 0 && place.ours.length === 0 ? [] : [place];
  });
};

const findAll = (lines: readonly string[], wanted: readonly string[]): readonly number[] =>
  lines.flatMap((_, at) => (wanted.every((line, offset) => lines[at + offset] === line) ? [at] : []));

/** Found by itself when it is there once, else by what stands around it. @returns the index of the first of our lines */
const whereIs = (lines: readonly string[], { ours, above, below }: Place): number | undefined => {
  for (let context = ours.length === 0 ? 1 : 0; context <= contextMax; context++) {
    const head = context === 0 ? [] : above.slice(-context);
    const found = findAll(lines, [...head, ...ours, ...below.slice(0, context)]);
    if (found.length <= 1) return found[0] === undefined ? undefined : found[0] + head.length;
  }
  return undefined;
};

/** True when no line is there any more that only we can have written. */
const isGone = (before: readonly string[], after: readonly string[], now: readonly string[]): boolean => {
  const others = new Set(before);
  const ours = new Set(after.filter((line) => !others.has(line)));
  return ours.size > 0 && !now.some((line) => ours.has(line));
};

/** @returns the text of now without what `after` has and `before` has not; undefined: a person has to do it */
export const takeOut = (before: string, after: string, now: string): string | undefined => {
  const [old, ours, lines] = [before.split('\n'), after.split('\n'), now.split('\n')];
  if (isGone(old, ours, lines)) return now;
  let from = 0;
  const kept: (readonly string[])[] = [];
  for (const place of placesOf(old, ours) ?? [undefined]) {
    const at = place === undefined ? undefined : whereIs(lines, place);
    // Each where we left it, and in our order.
    if (place === undefined || at === undefined || at < from) return undefined;
    kept.push(lines.slice(from, at), place.old);
    from = at + place.ours.length;
  }
  return [...kept.flat(), ...lines.slice(from)].join('\n');
};
