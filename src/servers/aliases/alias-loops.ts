/**
 * Aliases of one host that name each other: mail for them reaches nobody. Postfix answers 451, Exim says that they are
 * unknown, Sendmail returns it; none says which other alias it is about. `@domain` stands for all of a domain that has no entry of
 * its own (virtual(5)). An alias that names itself is delivered here, and no loop.
 */
import { domainOf } from '../../model/address.ts';

export type AliasLink = { readonly key: string; readonly targets: readonly string[] };

const loopsMax = 100;
const stepsMax = 2_000_000;

type Links = ReadonlyMap<string, readonly string[]>;

const nextOf = (links: Links, target: string): string | undefined => {
  const name = target.toLowerCase();
  if (links.has(name)) return name;
  const whole = `@${domainOf(name)}`;
  return name.includes('@') && links.has(whole) ? whole : undefined;
};

/** The aliases from the one that comes again to the last of the path. */
const ringIn = (path: readonly string[], again: string): readonly string[] => path.slice(path.indexOf(again));

/** @returns each loop as the aliases that it goes through, in their order */
export const aliasLoops = (entries: readonly AliasLink[]): readonly (readonly string[])[] => {
  const links: Links = new Map(entries.map(({ key, targets }) => [key.toLowerCase(), targets]));
  const seen = new Set<string>();
  const loops: (readonly string[])[] = [];
  let steps = 0;
  for (const first of links.keys()) {
    if (seen.has(first)) continue;
    // A walk in depth, without recursion: the path is what is open now.
    const path: string[] = [];
    const open = new Set<string>();
    const waiting: (string | undefined)[] = [first];
    while (waiting.length > 0 && ++steps < stepsMax && loops.length < loopsMax) {
      const name = waiting.pop();
      if (name === undefined) {
        open.delete(path.pop() ?? '');
        continue;
      }
      if (open.has(name)) {
        if (path.at(-1) !== name) loops.push(ringIn(path, name));
        continue;
      }
      if (seen.has(name)) continue;
      seen.add(name);
      path.push(name);
      open.add(name);
      waiting.push(undefined);
      for (const target of links.get(name) ?? []) {
        const next = nextOf(links, target);
        if (next !== undefined) waiting.push(next);
      }
    }
  }
  return loops;
};
