/**
 * The evidence file: what was taken out of a queue, whole. After the line `postern evidence 1` come records: a line of
 * JSON that names a file (path, bytes, facts) or a note, so many bytes, a newline, and their SHA-256 in a line of its own.
 * It only grows; what a crash cut off at its end is no record, and is cut off when the next one is written.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { Fault } from '../model/fault.ts';
import type { SpoolVerb } from '../model/spool-verb.ts';
import type { FileFacts } from '../model/verb.ts';
import type { Allowance } from './allowance.ts';
import { inFolder } from './files/folder.ts';
import type { Folder } from './files/folder.ts';
import { checkCount, withOpen } from './spool.ts';

const magic = 'postern evidence 1\n';
const headBytesMax = 8192;
/** Of a note that is read again. */
const noteBytesMax = 4096;
const blockBytes = 256 * 1024;
const hashHexLength = 64;
const block = Buffer.alloc(blockBytes);

type Head = { readonly bytes: number } & (
  | { readonly path: string; readonly facts: FileFacts }
  | { readonly note: string }
);
/** Where a record's data lie, and what they must hash to. */
type Place = { readonly head: Head; readonly from: number; readonly hash: string };

const readAt = (descriptor: number, from: number, length: number): Buffer => {
  const room = Buffer.alloc(length);
  return room.subarray(0, readSync(descriptor, room, 0, length, from));
};

const isHead = (value: unknown): value is Head =>
  typeof value === 'object' &&
  value !== null &&
  'bytes' in value &&
  Number.isSafeInteger(value.bytes) &&
  (('path' in value && typeof value.path === 'string' && 'facts' in value) ||
    ('note' in value && typeof value.note === 'string'));

const parsed = (text: string): Head | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isHead(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** @returns the record at an offset and where the next begins; undefined at the end or where a crash cut it */
const recordAt = (descriptor: number, at: number): { place: Place; next: number } | undefined => {
  const start = readAt(descriptor, at, headBytesMax).toString('utf8');
  const end = start.indexOf('\n');
  const head = end < 0 ? undefined : parsed(start.slice(0, end));
  if (head === undefined) return undefined;
  const from = at + Buffer.byteLength(start.slice(0, end + 1));
  const tail = readAt(descriptor, from + head.bytes, hashHexLength + 2).toString('latin1');
  if (!/^\n[0-9a-f]{64}\n$/.test(tail)) return undefined;
  return { place: { head, from, hash: tail.slice(1, -1) }, next: from + head.bytes + tail.length };
};

const recordsOf = (descriptor: number): { readonly places: readonly Place[]; readonly end: number } => {
  const places: Place[] = [];
  let at = magic.length;
  for (let found = recordAt(descriptor, at); found !== undefined; found = recordAt(descriptor, at)) {
    places.push(found.place);
    at = found.next;
  }
  return { places, end: at };
};

/** True when what follows is the beginning of a record, as a crash leaves it, and nothing else that could be of worth. */
const isCutAt = (descriptor: number, at: number, size: number): boolean => {
  const start = readAt(descriptor, at, headBytesMax).toString('utf8');
  const end = start.indexOf('\n');
  if (end < 0) return size - at < headBytesMax;
  const head = parsed(start.slice(0, end));
  return head !== undefined && at + end + 1 + head.bytes + hashHexLength + 2 > size;
};

/** Copies bytes from one file to another. @returns their SHA-256 */
const copy = (source: number, from: number, bytes: number, put: (data: Buffer) => void): string => {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes;) {
    const got = readSync(source, block, 0, Math.min(blockBytes, bytes - at), from + at);
    if (got === 0) throw new Error('it became shorter while it was read');
    const data = block.subarray(0, got);
    hash.update(data);
    put(data);
    at += got;
  }
  return hash.digest('hex');
};

/** Where this process wrote last in an evidence file: it need not look for the end again. */
const ends = new Map<string, number>();
const endsMax = 100;

const openEvidence = (path: string, folder: Folder): number => {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const descriptor = openSync(folder.place(folder.name), flags, 0o600);
  const size = fstatSync(descriptor).size;
  if (ends.get(path) === size) return descriptor;
  if (size < magic.length) {
    ftruncateSync(descriptor, 0);
    writeSync(descriptor, magic);
    fsyncSync(folder.descriptor);
  } else if (readAt(descriptor, 0, magic.length).toString('latin1') !== magic) {
    closeSync(descriptor);
    throw new Fault('REFUSED_FOR_SAFETY', `${path} is no evidence file`);
  }
  const { end } = recordsOf(descriptor);
  if (!isCutAt(descriptor, end, Math.max(size, magic.length))) {
    closeSync(descriptor);
    throw new Fault('PARTLY_DONE', `${path} is damaged at byte ${end}: nothing is written to it; look at the disk`);
  }
  ftruncateSync(descriptor, end);
  return descriptor;
};

type Keep = SpoolVerb & { readonly verb: 'keep-files' };

export const keepFiles = ({ evidence, paths, notes }: Keep, allowance: Allowance): readonly boolean[] => {
  checkCount(paths);
  const kept = inFolder(evidence, allowance, (folder) => {
    const descriptor = openEvidence(evidence, folder);
    try {
      let at = fstatSync(descriptor).size;
      const put = (data: Buffer): void => {
        // A full disk writes less than it was given, and then fails.
        for (let done = 0; done < data.length;)
          done += writeSync(descriptor, data, done, data.length - done, at + done);
        at += data.length;
      };
      const answer = paths.map(
        (path) =>
          withOpen(path, allowance, (file) => {
            put(Buffer.from(`${JSON.stringify({ path, bytes: file.sizeBytes, facts: file.facts })}\n`));
            const hash = copy(file.descriptor, 0, file.sizeBytes, put);
            put(Buffer.from(`\n${hash}\n`));
            return true;
          }) ?? false,
      );
      for (const [note, text] of notes) {
        const data = Buffer.from(text, 'utf8');
        put(Buffer.from(`${JSON.stringify({ note, bytes: data.length })}\n`));
        put(data);
        put(Buffer.from(`\n${createHash('sha256').update(data).digest('hex')}\n`));
      }
      fsyncSync(descriptor);
      if (ends.size >= endsMax) ends.clear();
      ends.set(evidence, at);
      return answer;
    } finally {
      closeSync(descriptor);
    }
  });
  if (kept === undefined) throw new Fault('CONFIG', `there is no folder for ${evidence}`);
  return kept;
};

/** The wanted files that the evidence holds, the last record of each; undefined when there is no evidence. */
const withKept = <T>(
  evidence: string,
  paths: readonly string[],
  allowance: Allowance,
  use: (descriptor: number, places: ReadonlyMap<string, Place>, notes: ReadonlyMap<string, string>) => T,
): T | undefined =>
  withOpen(evidence, allowance, ({ descriptor }) => {
    const wanted = new Set(paths);
    const places = new Map<string, Place>();
    const notes = new Map<string, string>();
    for (const place of recordsOf(descriptor).places) {
      if ('note' in place.head)
        notes.set(
          place.head.note,
          readAt(descriptor, place.from, Math.min(place.head.bytes, noteBytesMax)).toString('utf8'),
        );
      else if (wanted.has(place.head.path)) places.set(place.head.path, place);
    }
    return use(descriptor, places, notes);
  });

/** Of what is read whole; a larger file is told of by its name alone. */
const wholeBytesMax = 64 * 1024 * 1024;

/**
 * Reads an evidence file for people: every kept file, one after the other, latin1; `undefined` for one that is too large, or
 * whose bytes are not those that were kept.
 * @throws Fault INPUT_UNREADABLE when it is no evidence file
 */
export const readEvidence = (path: string, tell: (path: string, text: string | undefined) => void): void => {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    if (readAt(descriptor, 0, magic.length).toString('latin1') !== magic)
      throw new Fault('INPUT_UNREADABLE', `${path} is no evidence file`);
    for (const { head, from, hash } of recordsOf(descriptor).places) {
      if (!('path' in head)) continue;
      const bytes = head.bytes > wholeBytesMax ? undefined : readAt(descriptor, from, head.bytes);
      const isWhole = bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === hash;
      tell(head.path, isWhole ? bytes.toString('latin1') : undefined);
    }
  } finally {
    closeSync(descriptor);
  }
};

type Remove = SpoolVerb & { readonly verb: 'remove-kept' };

export const removeKept = ({ evidence, paths }: Remove, allowance: Allowance): readonly boolean[] => {
  checkCount(paths);
  const removed = withKept(evidence, paths, allowance, (_, places) =>
    paths.map((path) => {
      const place = places.get(path);
      const isSame = withOpen(path, allowance, (file) => {
        if (place === undefined || file.sizeBytes !== place.head.bytes) return false;
        return copy(file.descriptor, 0, file.sizeBytes, () => undefined) === place.hash;
      });
      if (isSame === true) inFolder(path, allowance, (folder) => unlinkSync(folder.place(folder.name)));
      return isSame ?? true;
    }),
  );
  return removed ?? paths.map(() => false);
};

const seconds = (ns: string): number => Number(ns) / 1e9;

/** Written beside and linked to its name, which fails when somebody else has it. */
const restore = (evidence: number, place: Place, facts: FileFacts, folder: Folder, path: string): boolean => {
  const target = folder.place(folder.name);
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) return false;
  const beside = folder.place(`.${folder.name}.postern`);
  if (lstatSync(beside, { throwIfNoEntry: false }) !== undefined) unlinkSync(beside);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const descriptor = openSync(beside, flags, 0o600);
  try {
    const hash = copy(evidence, place.from, place.head.bytes, (data) => void writeSync(descriptor, data));
    if (hash !== place.hash)
      throw new Fault('PARTLY_DONE', `${path}: the evidence of it is damaged, it is not put back`);
    fchownSync(descriptor, facts.uid, facts.gid);
    fchmodSync(descriptor, facts.mode); // after chown, which clears set-id bits
    futimesSync(descriptor, seconds(facts.accessedNs), seconds(facts.modifiedNs));
    fsyncSync(descriptor);
    linkSync(beside, target);
  } finally {
    closeSync(descriptor);
    unlinkSync(beside);
  }
  fsyncSync(folder.descriptor);
  return true;
};

type Restore = SpoolVerb & { readonly verb: 'restore-kept' };

export const restoreKept = (
  { evidence, paths, unlessNoted }: Restore,
  allowance: Allowance,
): { readonly count: number; readonly note: string | undefined } => {
  checkCount(paths);
  const restored = withKept(evidence, paths, allowance, (descriptor, places, notes) => {
    const note = notes.get(unlessNoted);
    let count = 0;
    for (const path of note === undefined ? paths : []) {
      const place = places.get(path);
      if (place === undefined || !('facts' in place.head)) continue;
      const { facts } = place.head;
      const isNew = inFolder(path, allowance, (folder) => restore(descriptor, place, facts, folder, path));
      if (isNew === undefined) throw new Fault('PARTLY_DONE', `${path}: its folder is gone, it cannot be put back`);
      if (isNew) count++;
    }
    return { count, note };
  });
  return restored ?? { count: 0, note: undefined };
};
