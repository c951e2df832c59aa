/**
 * Catch-alls: what a mail server's maps say about names that do not exist, and how that is switched to a refusal at SMTP
 * time and back. Pure: text in, text out, byte for byte (latin1); nothing but the entries themselves is touched.
 *
 * Exim (specification, "redirect router"; cPanel's /etc/valiases): `*: target`. Postfix (virtual(5), postconf(5)): `@domain
 * target`, `luser_relay`, an empty `local_recipient_maps`. Sendmail (cf/README, virtusertable): `@domain target`.
 */
export type Fate =
  | 'rejected'
  /** Accepted and thrown away. */
  | 'discarded'
  | 'forwarded'
  | 'mailbox'
  | 'program'
  | 'deferred';

type CatchAll = {
  /** Lower case; '' for a setting that holds for every local domain. */
  readonly domain: string;
  readonly fate: Fate;
  /** As it stands there. */
  readonly target: string;
  /** The line that decides, counted from 1. */
  readonly line: number;
};

/** Some lines of a map that were replaced: what they were, what stands there now. Both with their line ends. */
export type Replaced = {
  readonly domain: string;
  readonly original: string;
  readonly locked: string;
  /** Which one of the places where these lines stand it is, from 0, and how many there are. */
  readonly place: number;
  readonly places: number;
};

export type CatchAllFormat = {
  readonly name: string;
  /** Every catch-all in the text, also those that refuse. @param fileDomain what a file of one domain is for */
  readonly find: (text: string, fileDomain: string, isLocal: (domain: string) => boolean) => readonly CatchAll[];
  /** Addresses that the map itself names, lower case. */
  readonly listed: (text: string, fileDomain: string) => ReadonlySet<string>;
  /** Whether the entry is one of these domains' is asked by `wanted`. */
  readonly lock: (
    text: string,
    fileDomain: string,
    wanted: (domain: string) => boolean,
  ) => { readonly text: string; readonly replaced: readonly Replaced[] };
};

/** Comments by which a line is switched off, so that a person sees what was there. */
const off = '#postern# ';
const refusal = 'No such user here';

type Block = {
  /** Whole lines with their ends. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** Undefined: a comment, an empty line, text that is no entry. */
  readonly entry: { readonly key: string; readonly value: string } | undefined;
};

const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
const withoutEnd = (line: string): string => line.replace(/\r?\n$/, '');
const endOf = (line: string): string => line.slice(withoutEnd(line).length);
const isBlank = (line: string): boolean => /^\s*(#.*)?$/.test(withoutEnd(line));
const continues = (line: string): boolean => /^[ \t]/.test(line) && !isBlank(line);

type ReadEntry = (logical: string) => { key: string; value: string } | undefined;

/** An entry with the lines that continue it, and whatever stands between them. */
const blocksOf = (text: string, readEntry: ReadEntry): readonly Block[] => {
  const lines = linesOf(text);
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length;) {
    const first = lines[at] ?? '';
    let end = at + 1;
    if (!isBlank(first))
      for (let next = end; next < lines.length && (isBlank(lines[next] ?? '') || continues(lines[next] ?? '')); next++)
        if (continues(lines[next] ?? '')) end = next + 1;
    const own = lines.slice(at, end);
    const logical = own
      .filter((line) => !isBlank(line))
      .map(withoutEnd)
      .join(' ');
    blocks.push({ text: own.join(''), line: at + 1, entry: isBlank(first) ? undefined : readEntry(logical) });
    at = end;
  }
  return blocks;
};

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase();

/** What becomes of mail that goes to this list of targets. */
const fateOf = (value: string, isLocal: (domain: string) => boolean): Fate => {
  const bare = value.trim().replaceAll(/^"|"$/g, '').trim();
  if (/^:fail:|^error:/i.test(bare)) return 'rejected';
  if (/^:blackhole:/i.test(bare) || bare === '/dev/null') return 'discarded';
  if (/^:defer:/i.test(bare)) return 'deferred';
  if (bare.startsWith('|')) return 'program';
  const targets = bare.split(/[,\s]+/).filter((target) => target !== '');
  return targets.some((target) => target.includes('@') && !isLocal(domainOf(target))) ? 'forwarded' : 'mailbox';
};

type Shape = {
  readonly readEntry: ReadEntry;
  /** The domain whose unknown names this entry is for; undefined: another entry. */
  readonly domainOf: (key: string, value: string, fileDomain: string) => string | undefined;
  readonly fateOf: (value: string, isLocal: (domain: string) => boolean) => Fate;
  /** The line that refuses, without its end; undefined: the entry is switched off. */
  readonly locked: ((key: string) => string) | undefined;
};

const formatOf = (name: string, shape: Shape): CatchAllFormat => {
  const found = (text: string, fileDomain: string): { block: Block; domain: string; value: string; key: string }[] =>
    blocksOf(text, shape.readEntry).flatMap((block) => {
      const domain = block.entry && shape.domainOf(block.entry.key, block.entry.value, fileDomain);
      return block.entry === undefined || domain === undefined ? [] : [{ block, domain, ...block.entry }];
    });
  const lockedLines = (lines: string, key: string): string =>
    shape.locked === undefined
      ? linesOf(lines)
          .map((line) => `${off}${line}`)
          .join('')
      : `${shape.locked(key)}${lines.endsWith('\n') ? endOf(linesOf(lines)[0] ?? '') : ''}`;
  return {
    name,
    find: (text, fileDomain, isLocal) => {
      const seen = new Set<string>();
      // Of two equal keys the first counts.
      return found(text, fileDomain).flatMap(({ block, domain, value }) => {
        if (seen.has(domain)) return [];
        seen.add(domain);
        return [{ domain, fate: shape.fateOf(value, isLocal), target: value.trim(), line: block.line }];
      });
    },
    listed: (text, fileDomain) =>
      new Set(
        blocksOf(text, shape.readEntry).flatMap(({ entry }) => {
          if (entry === undefined || entry.key.includes('*') || entry.key.startsWith('@')) return [];
          const key = entry.key.toLowerCase();
          return key.includes('@') ? [key] : fileDomain === '' ? [] : [`${key}@${fileDomain}`];
        }),
      ),
    lock: (text, fileDomain, wanted) => {
      const targets = new Map(
        found(text, fileDomain)
          .filter(({ domain, value }) => wanted(domain) && shape.fateOf(value, () => true) !== 'rejected')
          .map((each) => [each.block.line, each] as const),
      );
      const swaps: { domain: string; original: string; locked: string; from: number }[] = [];
      let locked = '';
      for (const block of blocksOf(text, shape.readEntry)) {
        const target = targets.get(block.line);
        const now = target === undefined ? block.text : lockedLines(block.text, target.key);
        if (target !== undefined)
          swaps.push({ domain: target.domain, original: block.text, locked: now, from: locked.length });
        locked += now;
      }
      const replaced = swaps.map(({ from, ...swap }) => {
        const places = placesOf(locked, swap.locked);
        return { ...swap, place: places.findIndex((place) => place.from === from), places: places.length };
      });
      return { text: locked, replaced };
    },
  };
};

/** `key: value`, `"key": value`; Exim's lsearch ends a key at a colon or white space. */
const readLsearch: ReadEntry = (logical) => {
  const parts = /^(?:"((?:[^"\\]|\\.)*)"|([^\s:"]+))\s*:?\s*(.*)$/.exec(logical);
  return parts === null ? undefined : { key: parts[1] ?? parts[2] ?? '', value: parts[3] ?? '' };
};

const readWords: ReadEntry = (logical) => {
  const parts = /^(\S+)\s*(.*)$/.exec(logical);
  return parts === null ? undefined : { key: parts[1] ?? '', value: parts[2] ?? '' };
};

const readParameter: ReadEntry = (logical) => {
  const parts = /^([A-Za-z0-9_]+)\s*=\s*(.*)$/.exec(logical);
  return parts === null ? undefined : { key: parts[1] ?? '', value: parts[2] ?? '' };
};

const atDomain = (key: string): string | undefined =>
  key.startsWith('@') && key.length > 1 ? key.slice(1).toLowerCase() : undefined;

const eximFormat = formatOf('exim-aliases', {
  readEntry: readLsearch,
  domainOf: (key, _value, fileDomain) =>
    key === '*' ? fileDomain : key.startsWith('*@') ? key.slice(2).toLowerCase() : undefined,
  fateOf,
  locked: (key) => `${key}: ":fail: ${refusal}"`,
});

/** One domain's mail goes to the same name elsewhere: whether that exists is decided there. */
const domainAlias = formatOf('exim-domain-alias', {
  readEntry: readLsearch,
  domainOf: (key, _value, fileDomain) => (key.toLowerCase() === fileDomain ? fileDomain : undefined),
  fateOf: () => 'forwarded',
  locked: (key) => `${key}: ":fail: ${refusal}"`,
});

const postfixMap = formatOf('postfix-map', {
  readEntry: readWords,
  domainOf: (key) => atDomain(key),
  fateOf,
  locked: undefined,
});

/** A mailbox path for everybody. */
const postfixMailboxes = formatOf('postfix-mailboxes', {
  readEntry: readWords,
  domainOf: (key) => atDomain(key),
  fateOf: () => 'mailbox',
  locked: undefined,
});

const postfixMain = formatOf('postfix-main', {
  readEntry: readParameter,
  domainOf: (key, value) =>
    (key === 'luser_relay' && value.trim() !== '') || (key === 'local_recipient_maps' && value.trim() === '')
      ? ''
      : undefined,
  fateOf: (value, isLocal) => (value.trim() === '' ? 'discarded' : fateOf(value, isLocal)),
  locked: undefined,
});

const sendmailMap = formatOf('sendmail-virtusertable', {
  readEntry: readWords,
  domainOf: (key) => atDomain(key),
  fateOf,
  locked: (key) => `${key}\terror:nouser 550 5.1.1 ${refusal}`,
});

const formats: readonly CatchAllFormat[] = [
  eximFormat,
  domainAlias,
  postfixMap,
  postfixMailboxes,
  postfixMain,
  sendmailMap,
];
export const catchAllFormat = (name: string): CatchAllFormat | undefined => formats.find((each) => each.name === name);

/**
 * Puts the originals back into a text that people may have edited meanwhile. What was locked is looked for as whole lines;
 * where it is gone, or stands there more often than we put it, somebody else has decided and nothing is guessed.
 */
export const unlock = (
  text: string,
  replaced: readonly Replaced[],
): { readonly text: string; readonly conflicts: readonly string[] } => {
  const conflicts: string[] = [];
  const swaps: { from: number; to: number; text: string }[] = [];
  for (const { domain, original, locked, place, places } of replaced) {
    const found = placesOf(text, locked);
    const here = found[place];
    if (found.length !== places || here === undefined) conflicts.push(domain);
    else swaps.push({ ...here, text: fitted(original, here.text) });
  }
  let current = text;
  for (const { from, to, text: original } of swaps.toSorted((a, b) => b.from - a.from))
    current = `${current.slice(0, from)}${original}${current.slice(to)}`;
  return { text: current, conflicts };
};

/** A line that was the last one without an end may have got one, and the other way round. */
const fitted = (original: string, there: string): string => {
  if (original.endsWith('\n') === there.endsWith('\n')) return original;
  return original.endsWith('\n') ? withoutEnd(original) : `${original}${endOf(there)}`;
};

const placesOf = (text: string, lines: string): { from: number; to: number; text: string }[] => {
  const wanted = linesOf(lines).map(withoutEnd);
  const there = linesOf(text);
  const starts: number[] = [];
  let offset = 0;
  for (const line of there) {
    starts.push(offset);
    offset += line.length;
  }
  starts.push(offset);
  return there.flatMap((_, at) => {
    if (!wanted.every((line, plus) => at + plus < there.length && withoutEnd(there[at + plus] ?? '') === line))
      return [];
    const from = starts[at] ?? 0;
    const to = starts[at + wanted.length] ?? text.length;
    return [{ from, to, text: text.slice(from, to) }];
  });
};
