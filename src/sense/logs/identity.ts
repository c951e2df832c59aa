/** Which file a log is, whatever its name is now: by its inode and its first bytes. */
import { createHash } from 'node:crypto';
import { constants, fstatSync, readSync, realpathSync, statSync } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export type Position = {
  readonly inode: number;
  /** Bytes behind the end of the last whole line given. */
  readonly offset: number;
  /** Hash of the file's first bytes, and how many they were: a file that was truncated and grew again is another one. */
  readonly head: string;
  readonly headBytes: number;
};

const headBytesMax = 256;

export type Open = {
  readonly file: FileHandle;
  readonly inode: number;
  offset: number;
  head: Head;
  readonly isCurrent: boolean;
};
type Head = { readonly bytes: Buffer; readonly hash: string };

// Read without a thread pool's help: what was just written is in memory, and the help costs many times the reading.
const headBytesOf = ({ fd }: FileHandle, bytesMax: number): Buffer => {
  const buffer = Buffer.alloc(bytesMax);
  return buffer.subarray(0, readSync(fd, buffer, 0, bytesMax, 0));
};
export const headOf = (file: FileHandle, bytesMax = headBytesMax): Head => {
  const bytes = headBytesOf(file, bytesMax);
  return { bytes, hash: createHash('sha256').update(bytes).digest('base64') };
};

export const isSameFile = (file: FileHandle, position: Position): boolean => {
  const { size, ino } = fstatSync(file.fd);
  if (ino !== position.inode || size < position.offset) return false;
  return headOf(file, position.headBytes).hash === position.head;
};

/** A log that was short when it was opened has a longer head by now. */
export const growHead = (log: Open): void => {
  if (log.head.bytes.length < headBytesMax) log.head = headOf(log.file);
};

export const wasTruncated = ({ file, offset, head }: Open): boolean =>
  fstatSync(file.fd).size < offset || !headBytesOf(file, head.bytes.length).equals(head.bytes);

export const inodeAt = (path: string): number | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.ino;
  } catch {
    return undefined; // the folder may not be entered just now; the open file is still read
  }
};

/** @throws what open(2) says, or that it is no file: to open a pipe would be to wait for its writer */
export const openAt = async (path: string, offset: number, isCurrent: boolean): Promise<Open> => {
  // oxlint-disable-next-line no-bitwise -- the flags of open(2)
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if (!fstatSync(file.fd).isFile()) {
    await file.close();
    throw new Error('it is no file');
  }
  return { file, inode: fstatSync(file.fd).ino, offset, head: headOf(file), isCurrent };
};

/** A control panel may have put a link where logs are looked for: it is in the file's own folder that it grows and is rotated. */
export const realPlace = (path: string): { readonly folder: string; readonly name: string } => {
  let real = path;
  try {
    real = realpathSync(path);
  } catch {
    // It is not there yet.
  }
  return { folder: dirname(real), name: basename(real) };
};

/** `.1`, `-20261121`, `.2.gz`. */
const rotatedEnd = /^[.-]\d+(?:\.\w+)?$/;

type Sibling = { readonly path: string; readonly inode: number; readonly changed: number; readonly isRotated: boolean };

/** Files beside a log, with its name at the start. */
const siblingsOf = async (path: string): Promise<readonly Sibling[]> => {
  const own = realPlace(path);
  const siblings: Sibling[] = [];
  for (const name of await readdir(own.folder).catch(() => [])) {
    if (!name.startsWith(own.name) || name === own.name) continue;
    const sibling = join(own.folder, name);
    const info = await stat(sibling).catch(() => undefined);
    if (info?.isFile() !== true) continue;
    const isRotated = rotatedEnd.test(name.slice(own.name.length));
    siblings.push({ path: sibling, inode: info.ino, changed: info.mtimeMs, isRotated });
  }
  return siblings;
};

/** The rotated self of a log, by the inode that we knew, and how many files it was rotated into since. */
export const rotatedSelf = async (
  path: string,
  position: Position,
): Promise<{ readonly old: Open; readonly between: number } | undefined> => {
  const siblings = await siblingsOf(path);
  for (const { inode, path: sibling, changed } of siblings) {
    if (inode !== position.inode) continue;
    const old = await openAt(sibling, position.offset, false).catch(() => undefined);
    if (old === undefined) continue;
    if (isSameFile(old.file, position))
      return { old, between: siblings.filter((each) => each.isRotated && each.changed > changed).length };
    await old.file.close();
  }
  return undefined;
};
