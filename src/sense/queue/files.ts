/**
 * Queue files, read synchronously through one buffer: a queue has hundreds of thousands of small ones, and a thread pool
 * would cost more than the reading. Whoever reads many gives way in between (`walk.ts`).
 */
import { closeSync, fstatSync, openSync, readSync, readdirSync, statSync } from 'node:fs';
import type { Dirent, Stats } from 'node:fs';
import type { ReadAt } from '../../model/queue/message.ts';

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** Gone since its directory was read: delivered, or moved to another queue. */
export const isGone = (error: unknown): boolean => codeOf(error) === 'ENOENT';

const startBytes = 16 * 1024;
let buffer = Buffer.allocUnsafe(startBytes);

const bufferFor = (bytes: number): Buffer => {
  if (buffer.length < bytes) buffer = Buffer.allocUnsafe(bytes);
  return buffer;
};

/** Reads at the wanted places of one open file. @throws what open(2) says */
export const withFile = <T>(path: string, use: (read: ReadAt, stats: () => Stats) => T): T => {
  const file = openSync(path, 'r');
  try {
    return use(
      (offset, length) => {
        const room = bufferFor(length);
        return room.toString('latin1', 0, readSync(file, room, 0, length, offset));
      },
      () => fstatSync(file),
    );
  } finally {
    closeSync(file);
  }
};

/** The first bytes of a file. @throws what open(2) says */
export const readStart = (path: string, lengthMax: number): string => {
  const file = openSync(path, 'r');
  try {
    let text = '';
    for (let want = Math.min(lengthMax, startBytes); text.length < lengthMax; want = lengthMax - text.length) {
      const room = bufferFor(want);
      const got = readSync(file, room, 0, want, text.length);
      text += room.toString('latin1', 0, got);
      if (got < want) break;
    }
    return text;
  } finally {
    closeSync(file);
  }
};

/** '' when it is not there, for what is only an addition. */
export const readStartIfAny = (path: string, lengthMax: number): string => {
  try {
    return readStart(path, lengthMax);
  } catch {
    return '';
  }
};

export const sizeOf = (path: string): number | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size;
  } catch {
    return undefined;
  }
};

/** Entries of a directory that may not be there. @throws what readdir(3) says, other than that */
export const entriesOf = (path: string): readonly Dirent[] => {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
};
