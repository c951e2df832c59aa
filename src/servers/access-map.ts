/**
 * Access maps of the mail servers: which key an address has in each, how an entry is written, and how it is made to count.
 * Postfix: access(5), cidr_table(5), postmap(1). Sendmail: cf/README "Access database", makemap(8). Exim: the
 * specification's chapters on file lookups and on host lists.
 */
import { blockOf } from '../model/address-set.ts';
import { addressOf, canonicalAddress } from '../model/address.ts';
import type { Block } from '../model/address-set.ts';
import type { Verb } from '../model/verb.ts';
import { cdbOf } from './exim/cdb.ts';

type Run = Verb & { readonly verb: 'run' };

export type MapFormat = {
  readonly name: string;
  /** Undefined: this map cannot hold such a subject. */
  readonly keyOf: (subject: string, tag: string) => string | undefined;
  readonly lineOf: (key: string, value: string) => string;
  /** The key of a line that somebody wrote; undefined for comments and what continues a line. */
  readonly keyIn: (line: string) => string | undefined;
  /** The first match counts, so ours stand before what is there. */
  readonly atTop: boolean;
  /** What makes a changed source count; undefined: nothing is needed. */
  readonly rebuild: ((path: string, source: string) => Run) | undefined;
  /** What is built from the source here, without a program. */
  readonly build?: (source: string) => Uint8Array;
  /** What the built map is called after its source; '' when nothing is built. */
  readonly builtEnding: string;
  /** Daemons notice a built map by its time in whole seconds: two builds within one are not told apart. */
  readonly noticedBySecond: boolean;
  /** Asks the map itself; `answerIn` reads what is printed then, undefined when the map has no such key. */
  readonly probe: ((path: string, subject: string, key: string) => Run) | undefined;
  readonly answerIn: (stdout: string, key: string) => string | undefined;
  readonly usualValue: string;
};

const run = (program: Run['program'], args: readonly string[], input?: string): Run => ({
  verb: 'run',
  program,
  args,
  ...(input === undefined ? {} : { input }),
});

const firstWord = (line: string): string | undefined =>
  line.startsWith('#') || line.startsWith(' ') || line.startsWith('\t')
    ? undefined
    : line.split(/[ \t]/, 1)[0] || undefined;

const textOf = ({ width, length, bits }: Block): string => {
  const address = addressOf(bits << BigInt(width - length), width);
  return length === width ? address : `${address}/${length}`;
};

/** Postfix and Sendmail look for ever shorter prefixes of whole octets. */
const octetsOf = ({ bits, length }: Block): string | undefined =>
  length % 8 === 0 && length > 0
    ? addressOf(bits << BigInt(32 - length), 32)
        .split('.')
        .slice(0, length / 8)
        .join('.')
    : undefined;

/** Sendmail writes IPv6 addresses without compression. */
const groupsOf = ({ bits, length }: Block): string | undefined => {
  if (length % 16 !== 0 || length === 0) return undefined;
  const groups = length / 16;
  return Array.from({ length: groups }, (_, at) =>
    ((bits >> BigInt(16 * (groups - 1 - at))) & 0xffffn).toString(16),
  ).join(':');
};

const insideOf = (subject: string): string => subject.split('/')[0] ?? subject;

const postfixLine = (key: string, value: string): string => `${key}\t${value}`;

/** Postfix strips an IPv6 address at colons of its compressed text, so in a hashed map only whole ones are safe. */
const postfixKey = (subject: string): string | undefined => {
  const block = blockOf(subject);
  if (block === undefined) return undefined;
  if (block.width === 32) return octetsOf(block);
  return block.length === 128 ? canonicalAddress(insideOf(subject)) : undefined;
};

/** All others are Berkeley DB: `.db`. */
const endings = new Map([
  ['lmdb', '.lmdb'],
  ['cdb', '.cdb'],
]);

const postfix = (type: string, kind: 'indexed' | 'text' | 'cidr'): MapFormat => ({
  name: `postfix-${type}`,
  keyOf: (subject) => {
    const block = blockOf(subject);
    return kind === 'cidr' ? block && textOf(block) : postfixKey(subject);
  },
  lineOf: postfixLine,
  keyIn: firstWord,
  atTop: kind === 'cidr',
  // A text map is read when a daemon starts; an indexed one is noticed.
  rebuild: (path) => (kind === 'indexed' ? run('postmap', [`${type}:${path}`]) : run('postfix', ['reload'])),
  builtEnding: kind === 'indexed' ? (endings.get(type) ?? '.db') : '',
  noticedBySecond: kind === 'indexed',
  probe: (path, subject, key) => run('postmap', ['-q', kind === 'cidr' ? insideOf(subject) : key, `${type}:${path}`]),
  answerIn: (stdout) => stdout.trimEnd() || undefined,
  usualValue: 'REJECT',
});

/** What each tag of Sendmail's access map limits; only `Connect` refuses. */
const sendmailTags = new Set(['Connect', 'ClientRate', 'ClientConn', 'GreetPause']);

const sendmail: MapFormat = {
  name: 'sendmail-hash',
  keyOf: (subject, tag) => {
    const block = blockOf(subject);
    if (block === undefined || !sendmailTags.has(tag)) return undefined;
    const key = block.width === 32 ? octetsOf(block) : groupsOf(block);
    return key === undefined ? undefined : `${tag}:${block.width === 128 ? 'IPv6:' : ''}${key}`;
  },
  lineOf: postfixLine,
  keyIn: firstWord,
  atTop: false,
  rebuild: (path, source) => run('makemap', ['hash', path], source),
  builtEnding: '.db',
  noticedBySecond: false,
  probe: (path) => run('makemap', ['-u', 'hash', path]),
  answerIn: (stdout, key) =>
    stdout
      .split('\n')
      .find((line) => line.startsWith(`${key.toLowerCase()}\t`))
      ?.slice(key.length + 1),
  usualValue: 'REJECT',
};

/** `key: value`, the key in quotes when it has a colon. */
const eximKeyIn = (line: string): string | undefined =>
  line.startsWith('#') ? undefined : (/^"([^"]*)"/.exec(line)?.[1] ?? firstWord(line)?.replace(/:$/, ''));

/** Read at each lookup: `hosts = net-iplsearch;PATH`. */
const iplsearch: MapFormat = {
  name: 'exim-iplsearch',
  keyOf: (subject) => {
    const block = blockOf(subject);
    return block && textOf(block);
  },
  lineOf: (key, value) => `${key.includes(':') ? `"${key}"` : key}: ${value}`,
  keyIn: eximKeyIn,
  atTop: true,
  rebuild: undefined,
  builtEnding: '',
  noticedBySecond: false,
  probe: undefined,
  answerIn: () => undefined,
  usualValue: 'refused',
};

/** In all but iplsearch an IPv6 address is written in full, with dots (specification, "Host list patterns for single-key lookups"). */
const dotted = ({ bits }: Block): string =>
  Array.from({ length: 8 }, (_, at) => ((bits >> BigInt(16 * (7 - at))) & 0xffffn).toString(16).padStart(4, '0')).join(
    '.',
  );

/** Whole addresses: `hosts = net-lsearch;PATH`. */
const lsearch: MapFormat = {
  ...iplsearch,
  name: 'exim-lsearch',
  keyOf: (subject) => {
    const block = blockOf(subject);
    if (block?.length !== block?.width || block === undefined) return undefined;
    return block.width === 32 ? insideOf(subject) : dotted(block);
  },
};

const valueIn = (line: string): string => line.slice(line.indexOf(':') + 1).trim();

/** `hosts = net-cdb;PATH.cdb`; PATH is its source, in the form of lsearch. */
const cdb: MapFormat = {
  ...lsearch,
  name: 'exim-cdb',
  builtEnding: '.cdb',
  build: (source) =>
    cdbOf(
      source.split('\n').flatMap((line): (readonly [string, string])[] => {
        const key = eximKeyIn(line);
        return key === undefined ? [] : [[key, valueIn(line)]];
      }),
    ),
};

const formats: readonly MapFormat[] = [
  postfix('hash', 'indexed'),
  postfix('btree', 'indexed'),
  postfix('lmdb', 'indexed'),
  postfix('cdb', 'indexed'),
  postfix('texthash', 'text'),
  postfix('cidr', 'cidr'),
  sendmail,
  iplsearch,
  lsearch,
  cdb,
];

export const mapFormatNames = formats.map(({ name }) => name);
export const mapFormat = (name: string): MapFormat | undefined => formats.find((format) => format.name === name);
