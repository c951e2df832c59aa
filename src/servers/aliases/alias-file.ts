/**
 * Alias files: `name: target, target` (aliases(5), Exim's lsearch, cPanel's valiases) and `address target, target`
 * (virtual(5), virtusertable). A line that begins with a blank goes on; `#` begins a comment. An entry is switched off by
 * putting its lines behind a mark, so that switching it on again gives the same bytes, whatever else was edited meanwhile.
 */
import { domainOf } from '../../model/address.ts';

export type AliasFormat = 'colon' | 'blank';

/** What makes the server see a changed file: nothing, a reload, `newaliases`, `postmap TYPE:FILE`, or `makemap TYPE`. */
export type AliasRefresh =
  | { readonly kind: 'none' | 'newaliases' | 'reload' }
  | { readonly kind: 'postmap' | 'makemap'; readonly type: string };

export type AliasEntry = {
  /** As it stands there. */
  readonly key: string;
  readonly targets: readonly string[];
  /** Its lines with their newlines, from … to … */
  readonly from: number;
  readonly to: number;
};

const entriesMax = 200_000;

const isComment = (line: string): boolean => line.startsWith('#') || line.trim() === '';

/** `key: targets`, where the key may be quoted; or `key targets`. */
const splitEntry = (text: string, format: AliasFormat): readonly [string, string] | undefined => {
  const pattern = format === 'colon' ? /^("[^"]*"|[^\s:]+)[ \t]*:([^]*)$/ : /^(\S+)\s+([^]*)$/;
  const [, key, rest] = pattern.exec(text) ?? [];
  return key === undefined || rest === undefined ? undefined : [key, rest];
};

/** By commas outside quotes. */
const targetsOf = (text: string): readonly string[] => {
  const targets: string[] = [];
  let isQuoted = false;
  let from = 0;
  const cut = (to: number): void => void targets.push(text.slice(from, to).trim());
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') isQuoted = !isQuoted;
    else if (text[at] === ',' && !isQuoted) {
      cut(at);
      from = at + 1;
    }
  }
  cut(text.length);
  return targets.filter((target) => target !== '');
};

/** Its lines as one, without the comments between them. */
const joined = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !isComment(line))
    .map((line) => line.trim())
    .join(' ');

export const readAliases = (text: string, format: AliasFormat): readonly AliasEntry[] => {
  const entries: AliasEntry[] = [];
  let start = -1;
  let end = 0;
  const close = (): void => {
    if (start < 0 || entries.length >= entriesMax) return;
    const split = splitEntry(joined(text.slice(start, end)), format);
    if (split !== undefined) entries.push({ key: split[0], targets: targetsOf(split[1]), from: start, to: end });
    start = -1;
  };
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf('\n', at);
    const next = newline < 0 ? text.length : newline + 1;
    const line = text.slice(at, next);
    if (isComment(line)) {
      // It neither ends an entry nor belongs to one; what follows it may go on.
    } else if (/^[ \t]/.test(line)) {
      if (start >= 0) end = next;
    } else {
      close();
      start = at;
      end = next;
    }
    at = next;
  }
  close();
  return entries;
};

/** Sends to an address of another domain than ours. Pipes, files, includes and local names do not. */
export const isOutside = (target: string, localDomains: ReadonlySet<string>): boolean =>
  /^[^|/:\\"][^\s]*@[^\s@]+$/.test(target) && !localDomains.has(domainOf(target));

const offMark = '#postern-off ';
const lineMark = '#postern| ';
const endMark = '#postern-end';

const sameKey = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** The last entry of the key; undefined when there is none that sends outside. */
export const switchOff = (
  text: string,
  format: AliasFormat,
  key: string,
  localDomains: ReadonlySet<string>,
): string | undefined => {
  const entry = readAliases(text, format).findLast((each) => sameKey(each.key, key));
  if (entry === undefined || !entry.targets.some((target) => isOutside(target, localDomains))) return undefined;
  const kept = entry.targets.filter((target) => !isOutside(target, localDomains));
  const own = text.slice(entry.from, entry.to);
  const isLast = !own.endsWith('\n');
  const lines = (isLast ? `${own}\n` : own).slice(0, -1).split('\n');
  const block = [
    `${offMark}${isLast ? '$' : ''}${entry.key}`,
    ...lines.map((line) => `${lineMark}${line}`),
    ...(kept.length === 0 ? [] : [`${entry.key}${format === 'colon' ? ': ' : '\t'}${kept.join(', ')}`]),
    endMark,
    '',
  ].join('\n');
  return text.slice(0, entry.from) + block + text.slice(entry.to);
};

type Block = { readonly key: string; readonly from: number; readonly to: number; readonly original: string };

const blocksIn = (text: string): readonly Block[] => {
  const blocks: Block[] = [];
  for (let from = text.indexOf(offMark); from >= 0; from = text.indexOf(offMark, from + 1)) {
    if (from > 0 && text[from - 1] !== '\n') continue;
    const end = text.indexOf(`\n${endMark}\n`, from);
    if (end < 0) break;
    const [head = '', ...lines] = text.slice(from, end).split('\n');
    const mark = head.slice(offMark.length);
    const isLast = mark.startsWith('$');
    const original = lines.filter((line) => line.startsWith(lineMark)).map((line) => line.slice(lineMark.length));
    blocks.push({
      key: isLast ? mark.slice(1) : mark,
      from,
      to: end + endMark.length + 2,
      original: original.join('\n') + (isLast ? '' : '\n'),
    });
  }
  return blocks;
};

/** @returns undefined when it is not switched off here */
export const switchOn = (text: string, key: string): string | undefined => {
  const block = blocksIn(text).findLast((each) => sameKey(each.key, key));
  return block === undefined ? undefined : text.slice(0, block.from) + block.original + text.slice(block.to);
};

export const switchedOff = (text: string): readonly string[] => blocksIn(text).map(({ key }) => key);
