/** What the firewall program may be told: to make our own table, to change our own sets, to remove our table. Nothing else. */
import { canonicalAddress } from '../model/address.ts';
import { keySets, removalLines, tableLines } from '../model/firewall.ts';

type Entry = { readonly set: string; readonly network: string };
export type Script = {
  /** What is in a set for blocks when all lines are done and was named by one of them. */
  readonly blocked: readonly Entry[];
};

const elementsMax = 300_000;
const timeoutSecondsMax = 90 * 86_400;

const sets = new Map(keySets.map((set) => [set.name, set]));
const linePattern = /^(add|delete|create) element inet postern ([a-z0-9]+) \{ ([^{}]*) \}$/;
const itemPattern = /^([0-9a-f.:]{2,39})(?: timeout (\d{1,8})s)?(?: comment "[A-Z0-9]{1,12}")?$/;

type Change = { readonly word: string; readonly set: string; readonly keys: readonly string[]; readonly ends: boolean };

/** One change of our sets; undefined: not allowed. A key is an address: nft takes a number for one, and asks the DNS for names. */
const changeIn = (line: string): Change | undefined => {
  const [, word = '', set = '', list = ''] = linePattern.exec(line) ?? [];
  if (!sets.has(set)) return undefined;
  const keys: string[] = [];
  let ends = true;
  for (const item of list.split(', ')) {
    const parts = itemPattern.exec(item);
    const key = canonicalAddress(parts?.[1] ?? '');
    const seconds = Number(parts?.[2] ?? 0);
    if (key === undefined || seconds > timeoutSecondsMax) return undefined;
    // One of 0 seconds never ends.
    ends &&= seconds > 0;
    keys.push(key);
  }
  return { word, set, keys, ends };
};

const isSame = (lines: readonly string[], others: readonly string[]): boolean =>
  lines.length === others.length && lines.every((line, at) => line === others[at]);

/**
 * @param isTrial nothing is changed by it
 * @returns undefined when it says anything that is not ours, or would put in what never ends
 */
export const readScript = (input: string, isTrial = false): Script | undefined => {
  const lines = input.split('\n').filter((line) => line !== '');
  if (isSame(lines, removalLines)) return { blocked: [] };
  const rest = isSame(lines.slice(0, tableLines.length), tableLines) ? lines.slice(tableLines.length) : lines;
  const blocked = new Map<string, Entry>();
  const endless = new Set<string>();
  let elements = 0;
  for (const line of rest) {
    const change = changeIn(line);
    if (change === undefined) return undefined;
    elements += change.keys.length;
    if (elements > elementsMax) return undefined;
    for (const key of change.keys) {
      if (change.word === 'delete' || change.ends) endless.delete(`${change.set} ${key}`);
      else endless.add(`${change.set} ${key}`);
    }
    const { verdict, length } = sets.get(change.set) ?? { verdict: 'allow', length: 0 };
    if (verdict === 'block')
      for (const key of change.keys) {
        const network = `${key}/${length}`;
        if (change.word === 'delete') blocked.delete(network);
        else blocked.set(network, { set: change.set, network });
      }
  }
  return endless.size > 0 && !isTrial ? undefined : { blocked: [...blocked.values()] };
};
