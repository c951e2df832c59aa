/**
 * Switches catch-alls of one map to a refusal at SMTP time. Undone: the entries are as they were, byte for byte when nobody
 * has edited the file meanwhile; edits made meanwhile stay, and what somebody else has decided is left alone and told.
 */
import { Fault } from '../model/fault.ts';
import type { Memory } from '../model/receipt.ts';
import type { CarryOut, FileFacts, SeenFile } from '../model/verb.ts';
import { mapFormat } from '../servers/access-map.ts';
import { catchAllFormat, unlock } from '../servers/catch-all.ts';
import type { CatchAllFormat, Replaced } from '../servers/catch-all.ts';
import type { Act, Plan, Proof } from './act.ts';
import { answerOf, rebuild } from './rebuild.ts';

export type CatchAllWanted = {
  readonly path: string;
  /** How the file is read: `exim-aliases`, `postfix-map`, … */
  readonly format: string;
  /** Of a file that is for one domain; '' otherwise. */
  readonly fileDomain: string;
  /** How a change is made to count: `postfix-hash`, `sendmail-hash`, …; undefined: it is read at each lookup. */
  readonly map: string | undefined;
  /** undefined: all. */
  readonly domains: readonly string[] | undefined;
};

type Remembered = {
  readonly path: string;
  readonly format: string;
  readonly fileDomain: string;
  readonly map: string | null;
  readonly domains: readonly string[] | null;
  readonly replaced: readonly Replaced[];
  readonly facts: FileFacts;
  /** Length of the file before: with every place found again, it is the same file. */
  readonly bytes: number;
};
/** `plan` below made it. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const remembered = (memory: Memory): Remembered => memory as Remembered;

const fileBytesMax = 64 * 1024 * 1024;

const formatOf = (name: string): CatchAllFormat => {
  const format = catchAllFormat(name);
  if (format === undefined) throw new Fault('USAGE', `this Postern does not know maps of the form ${name}`);
  return format;
};

type Read = { readonly seen: SeenFile; readonly text: string };

const readIfThere = async (path: string, carryOut: CarryOut): Promise<Read | undefined> => {
  const seen = await carryOut({ verb: 'read-file', path });
  if ((seen?.bytes.length ?? 0) > fileBytesMax)
    throw new Fault('REFUSED_FOR_SAFETY', `${path} is larger than ${fileBytesMax} bytes`);
  return seen && { seen, text: Buffer.from(seen.bytes).toString('latin1') };
};

const read = async (path: string, carryOut: CarryOut): Promise<Read> => {
  const known = await readIfThere(path, carryOut);
  if (known === undefined) throw new Fault('PARTLY_DONE', `${path} is not there any more`);
  return known;
};

const plan = async (wanted: CatchAllWanted, carryOut: CarryOut): Promise<Plan> => {
  const { path, fileDomain } = wanted;
  const { seen, text } = await read(path, carryOut);
  const chosen = wanted.domains === undefined ? undefined : new Set(wanted.domains);
  const { replaced } = formatOf(wanted.format).lock(text, fileDomain, (domain) => chosen?.has(domain) ?? true);
  const memory: Remembered = {
    path,
    format: wanted.format,
    fileDomain,
    map: wanted.map ?? null,
    domains: wanted.domains ?? null,
    replaced,
    facts: seen.facts,
    bytes: seen.bytes.length,
  };
  return {
    subject: path,
    lines: replaced.map(
      ({ domain, original }) =>
        `${path}: unknown names at ${domain === '' ? 'every local domain' : domain} are refused (was: ${original.trim()})`,
    ),
    // Read back from JSON it is the same.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    memory: memory as unknown as Memory,
  };
};

const write = async (
  { path, map }: Remembered,
  seen: SeenFile,
  next: string,
  facts: FileFacts | undefined,
  carryOut: CarryOut,
): Promise<void> => {
  await carryOut({
    verb: 'replace-file',
    path,
    expected: seen.bytes,
    content: Buffer.from(next, 'latin1'),
    ...(facts === undefined ? {} : { facts }),
  });
  await build(path, map, next, carryOut);
};

const build = async (path: string, map: string | null, text: string, carryOut: CarryOut): Promise<void> => {
  const format = map === null ? undefined : mapFormat(map);
  if (format !== undefined) await rebuild(format, path, text, carryOut);
};

const isLocked = ({ format, fileDomain, domains }: Remembered, text: string): boolean => {
  const chosen = domains === null ? undefined : new Set(domains);
  return formatOf(format).lock(text, fileDomain, (domain) => chosen?.has(domain) ?? true).replaced.length === 0;
};

/** Once more after a crash: what is locked already stays, and is built again. */
const carry = async (memory: Memory, carryOut: CarryOut): Promise<void> => {
  const known = remembered(memory);
  const { seen, text } = await read(known.path, carryOut);
  if (isLocked(known, text)) return build(known.path, known.map, text, carryOut);
  const chosen = known.domains === null ? undefined : new Set(known.domains);
  const locked = formatOf(known.format).lock(text, known.fileDomain, (domain) => chosen?.has(domain) ?? true);
  return write(known, seen, locked.text, undefined, carryOut);
};

/** The answer is what we wrote, where a map has a way to say that it refuses. */
const isIn = (locked: string, answer: string): boolean =>
  locked.split('\n').some((line) => !line.startsWith('#') && line.endsWith(`\t${answer}`));

const verify = async (memory: Memory, carryOut: CarryOut): Promise<Proof> => {
  const known = remembered(memory);
  const { text } = await read(known.path, carryOut);
  if (!isLocked(known, text)) return { took: false, text: `${known.path} still accepts unknown names` };
  const format = known.map === null ? undefined : mapFormat(known.map);
  for (const { domain, locked } of known.replaced) {
    if (format === undefined || domain === '') break;
    const key = `@${domain}`;
    const answer = await answerOf(format, known.path, key, key, carryOut);
    if (answer !== undefined && !isIn(locked, answer))
      return { took: false, text: `${known.path} still answers ${answer} for ${key}` };
  }
  return { took: true, text: `${known.replaced.length} catch-alls refuse` };
};

const undo = async (memory: Memory, carryOut: CarryOut): Promise<string> => {
  const known = remembered(memory);
  const now = await readIfThere(known.path, carryOut);
  // A hosting panel takes a domain's file away with the domain.
  if (now === undefined) return `${known.path} is gone: there is nothing to put back`;
  const { seen, text } = now;
  // Not carried out, or undone already: there is nothing of ours in it.
  const { text: next, conflicts } = unlock(text, known.replaced);
  const isWhole = conflicts.length === 0 && Buffer.byteLength(next, 'latin1') === known.bytes;
  if (next === text) await build(known.path, known.map, text, carryOut);
  else await write(known, seen, next, isWhole ? known.facts : undefined, carryOut);
  if (conflicts.length === 0 || !isTouched(known, text)) return '';
  return `${known.path}: somebody has changed the entry of ${conflicts.join(', ')} meanwhile; theirs stays`;
};

/** False when the file is as it was before the deed. */
const isTouched = ({ replaced }: Remembered, text: string): boolean =>
  !replaced.every(({ original }) => text.includes(original.trimEnd()));

const togetherMax = 128;

/**
 * The last first, and many files together: the helper puts their times back in one go. A file that was locked twice comes
 * in two turns.
 */
const inTurns = (memories: readonly Memory[]): Memory[][] => {
  const turns: Memory[][] = [];
  let paths = new Set<string>();
  for (const memory of memories.toReversed()) {
    const { path } = remembered(memory);
    if (turns.length === 0 || paths.size >= togetherMax || paths.has(path)) {
      turns.push([]);
      paths = new Set();
    }
    paths.add(path);
    turns.at(-1)?.push(memory);
  }
  return turns;
};

/** A hosting machine has thousands of such files: their receipts move together. */
export const catchAllLock: Act<CatchAllWanted> = {
  kind: 'catchall-lock',
  drifts: 'watched',
  plan,
  carry,
  verify,
  undo,
  atOnce: {
    carry: async (memories, carryOut) => {
      for (const memory of memories) await carry(memory, carryOut);
    },
    verify: async (memories, carryOut) => {
      const proofs: Proof[] = [];
      for (const memory of memories) proofs.push(await verify(memory, carryOut));
      return proofs;
    },
    undo: async (memories, carryOut) => {
      const kept: string[] = [];
      for (const some of inTurns(memories))
        kept.push(...(await Promise.all(some.map((memory) => undo(memory, carryOut)))));
      return kept.filter((text) => text !== '').join('; ');
    },
  },
};
