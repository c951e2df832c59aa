/**
 * The evidence file: what was taken out of a queue, whole. After the line `postern evidence 1` come records: a line of
 * JSON that names a file (path, bytes, facts) or a note, so many bytes, a newline, and their SHA-256 in a line of its own.
 * It only grows; what a crash cut off at its end is no record, and is cut off when the next one is written.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { Fault } from '../model/fault.ts';
import type { FileFacts } from '../model/verb.ts';

export const magic = 'postern evidence 1\n';
const headBytesMax = 8192;
const blockBytes = 256 * 1024;
const hashHexLength = 64;
const block = Buffer.alloc(blockBytes);

type Head = { readonly bytes: number } & (
  | { readonly path: string; readonly facts: FileFacts }
  | { readonly note: string }
);
/** Where a record's data lie, and what they must hash to. */
export type Place = { readonly head: Head; readonly from: number; readonly hash: string };

export const readAt = (descriptor: number, from: number, length: number): Buffer => {
  const room = Buffer.alloc(length);
  return room.subarray(0, readSync(descriptor, room, 0, length, from));
};

const isHead = (value: unknown): value is Head =>
  typeof value === 'object' &&
  value !== null &&
  'bytes' in value &&
  typeof value.bytes === 'number' &&
  Number.isSafeInteger(value.bytes) &&
  value.bytes >= 0 &&
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

export const recordsOf = (descriptor: number): { readonly places: readonly Place[]; readonly end: number } => {
  const places: Place[] = [];
  let at = magic.length;
  for (let found = recordAt(descriptor, at); found !== undefined; found = recordAt(descriptor, at)) {
    places.push(found.place);
    at = found.next;
  }
  return { places, end: at };
};

/** True when what follows is the beginning of a record, as a crash leaves it, and nothing else that could be of worth. */
export const isCutAt = (descriptor: number, at: number, size: number): boolean => {
  const start = readAt(descriptor, at, headBytesMax).toString('utf8');
  const end = start.indexOf('\n');
  if (end < 0) return size - at < headBytesMax;
  const line = start.slice(0, end);
  const head = parsed(line);
  return head !== undefined && at + Buffer.byteLength(line) + 1 + head.bytes + hashHexLength + 2 > size;
};

/** Copies bytes from one file to another. @returns their SHA-256 */
export const copy = (source: number, from: number, bytes: number, put: (data: Buffer) => void): string => {
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
