/**
 * What the guard knows, in one file: the statistics and how far each log was read, always of the same instant, so that a
 * restart neither loses a line nor counts one twice. Written beside and renamed: a crash leaves the one before.
 */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { Fault, errorWords } from '../model/fault.ts';
import type { Position } from '../sense/logs/identity.ts';
import type { JournalPosition } from '../sense/logs/journal.ts';

export type LogPosition = Position | JournalPosition;

export type Snapshot = {
  readonly version: 2;
  readonly seed: number;
  /** First start of this installation, seconds since 1970. */
  readonly started: number;
  readonly positions: Readonly<Record<string, LogPosition>>;
};

/** In the state directory. */
export const snapshotFile = (state: string): string => join(state, 'guard.snapshot');

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const magic = 'postern1';
const headLengthBytes = 4;

const isSnapshot = (value: unknown): value is Snapshot =>
  typeof value === 'object' &&
  value !== null &&
  'version' in value &&
  value.version === 2 &&
  'positions' in value &&
  'seed' in value &&
  'started' in value;

/** @returns undefined when there is none yet. @throws Fault CONFIG when it is damaged or cannot be read: the next one would replace it */
export const readSnapshot = async (file: string): Promise<{ snapshot: Snapshot; memory: Buffer } | undefined> => {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Fault('CONFIG', `${file} cannot be read (${error.message}): look at its disk and its rights`, {
      cause: error,
    });
  });
  if (bytes === undefined) return undefined;
  try {
    if (bytes.toString('latin1', 0, magic.length) !== magic) throw new Error('it does not begin as one');
    const headEnd = magic.length + headLengthBytes + bytes.readUInt32LE(magic.length);
    const snapshot: unknown = JSON.parse(bytes.toString('utf8', magic.length + headLengthBytes, headEnd));
    if (!isSnapshot(snapshot)) throw new Error('it is of another version');
    return { snapshot, memory: await decompress(bytes.subarray(headEnd)) };
  } catch (error) {
    throw new Fault('CONFIG', `${file} is no usable snapshot (${errorWords(error)}): move it away to start anew`, {
      cause: error,
    });
  }
};

const writeWhole = async (file: string, parts: readonly Buffer[]): Promise<void> => {
  const handle = await open(file, 'w', 0o640);
  try {
    await handle.writeFile(Buffer.concat(parts));
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** The memory is copied at the call, before anything is awaited: what follows in the logs is not in it. */
export const writeSnapshot = async (file: string, snapshot: Snapshot, memory: SharedArrayBuffer): Promise<void> => {
  const copy = Buffer.from(new Uint8Array(memory).slice().buffer);
  const head = Buffer.from(JSON.stringify(snapshot));
  const length = Buffer.alloc(headLengthBytes);
  length.writeUInt32LE(head.length);
  const body = await compress(copy);
  await mkdir(dirname(file), { recursive: true, mode: 0o750 });
  const beside = `${file}.tmp`;
  try {
    await writeWhole(beside, [Buffer.from(magic), length, head, body]);
    await rename(beside, file);
  } catch (error) {
    // On a full disk what is half written would keep it full.
    await rm(beside, { force: true });
    throw error;
  }
};
