/**
 * Opens a log file, or `-` for standard input, as chunks of text (latin1: a log is bytes), decompressed by its first
 * bytes and not by its name. What is wrong in the middle (a gzip cut short) does not lose what came before: it is told
 * in `problem` when the chunks end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open as openFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { Readable, pipeline } from 'node:stream';
import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Fault, errorWords } from '../../model/fault.ts';
import { journalName, readJournal } from './journal.ts';

export type LogText = {
  readonly path: string;
  /** Size on disk, for progress; undefined for a pipe. */
  readonly bytesTotal: number | undefined;
  /** Last change, milliseconds since 1970: no line is newer. Undefined for a pipe. */
  readonly changed: number | undefined;
  /** Read off the disk so far (compressed bytes). */
  readonly bytesRead: () => number;
  /** What went wrong while reading; undefined when nothing did. */
  readonly problem: () => string | undefined;
  readonly chunks: AsyncIterable<string>;
};

const chunkBytes = 1024 * 1024;
/** Smaller than a read: texts that are done with are gone soon, not at the next full collection. */
const textBytes = 64 * 1024;

type Format = 'plain' | 'gzip' | 'zstd' | 'xz' | 'bzip2';
const magics: readonly (readonly [Format, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];

const formatOf = (head: Buffer): Format =>
  magics.find(([, magic]) => magic.every((byte, at) => head[at] === byte))?.[0] ?? 'plain';

const whyUnreadable = new Map([
  ['ENOENT', 'there is no such file'],
  ['EACCES', 'permission denied: run as root, or join the group that may read it (on Debian: adm)'],
  ['EISDIR', 'it is a directory: name the log file in it'],
]);

const unreadable = (path: string, error: unknown): Fault => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return new Fault('INPUT_UNREADABLE', `cannot read ${path}: ${whyUnreadable.get(code) ?? String(error)}`, {
    cause: error,
  });
};

/** One buffer is read into again and again: the text is a copy. */
async function* plainChunks(file: FileHandle, onRead: (bytes: number) => void): AsyncGenerator<string> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, chunkBytes, null);
    if (bytesRead === 0) return;
    onRead(bytesRead);
    for (let at = 0; at < bytesRead; at += textBytes)
      yield buffer.toString('latin1', at, Math.min(bytesRead, at + textBytes));
  }
}

async function* rawChunks(
  source: AsyncIterable<Buffer>,
  head: readonly Buffer[],
  onRead: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for (const chunk of head) {
    onRead(chunk.length);
    yield chunk;
  }
  for await (const chunk of source) {
    onRead(chunk.length);
    yield chunk;
  }
}

/** xz and bzip2 are not in Node: their own programs, fed by pipe, so that no file name is ever an argument. */
async function* throughProgram(program: string, compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  ended.catch(() => undefined); // it could not be started: told below
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint = (complaint + text.toString('latin1')).slice(0, 500)));
  child.stdin.on('error', () => undefined); // the program closed early; its exit status says why
  Readable.from(compressed).pipe(child.stdin);
  try {
    await once(child, 'spawn').catch((error: unknown) => {
      throw new Error(`the program ${program} is needed to read this file: install it`, { cause: error });
    });
    yield* child.stdout as AsyncIterable<Buffer>; // a pipe without encoding gives Buffers
    const [status]: unknown[] = await ended;
    if (status !== 0) throw new Error(complaint.trim() || `${program} ended with status ${String(status)}`);
  } finally {
    child.kill();
  }
}

/** The reader of the result meets its errors; the pipe has nobody else to tell. */
const through = (raw: AsyncIterable<Buffer>, transform: Transform): AsyncIterable<Buffer> => {
  pipeline(Readable.from(raw), transform, () => undefined);
  return transform;
};

const decompressed = (format: Format, raw: AsyncIterable<Buffer>): AsyncIterable<Buffer> => {
  switch (format) {
    case 'plain':
      return raw;
    case 'gzip':
      return through(raw, createGunzip());
    case 'zstd':
      return through(raw, createZstdDecompress());
    case 'xz':
      return throughProgram('xz', raw);
    case 'bzip2':
      return throughProgram('bzip2', raw);
  }
};

async function* readAll(file: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    const { bytesRead } = await file.read(buffer, 0, chunkBytes, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The journal as a pipe: its size and its last change are not known. */
const openJournal = (): LogText => {
  let read = 0;
  let problem: string | undefined;
  async function* chunks(): AsyncGenerator<string> {
    try {
      for await (const chunk of readJournal()) {
        read += chunk.length;
        yield chunk;
      }
    } catch (error) {
      problem = `the journal: ${errorWords(error)}`;
    }
  }
  return {
    path: journalName,
    bytesTotal: undefined,
    changed: undefined,
    bytesRead: () => read,
    problem: () => problem,
    chunks: chunks(),
  };
};

/** @param path `-`: standard input, `journal`: the journal. @throws Fault INPUT_UNREADABLE when it cannot be opened at all */
export const openLog = async (path: string): Promise<LogText> => {
  if (path === journalName) return openJournal();
  let read = 0;
  let problem: string | undefined;
  const onRead = (bytes: number): void => void (read += bytes);
  const isPipe = path === '-';
  const file = isPipe
    ? undefined
    : await openFile(path, 'r').catch((error: unknown) => Promise.reject(unreadable(path, error)));
  const stat = await file?.stat();
  if (stat?.isDirectory() === true) {
    await file?.close();
    throw unreadable(path, Object.assign(new Error('EISDIR'), { code: 'EISDIR' }));
  }
  const head = Buffer.alloc(8);
  if (file !== undefined && stat?.isFile() === true) await file.read(head, 0, 8, 0);

  async function* chunks(): AsyncGenerator<string> {
    try {
      if (file !== undefined && stat?.isFile() === true && formatOf(head) === 'plain') {
        yield* plainChunks(file, onRead);
        return;
      }
      const source: AsyncIterable<Buffer> = file === undefined ? process.stdin : readAll(file);
      const reader = source[Symbol.asyncIterator]();
      const first = await reader.next();
      if (first.done === true) return;
      const raw = rawChunks({ [Symbol.asyncIterator]: () => reader }, [first.value], onRead);
      for await (const chunk of decompressed(formatOf(first.value), raw)) yield chunk.toString('latin1');
    } catch (error) {
      problem = `stopped at byte ${read}: ${errorWords(error)}`;
    } finally {
      await file?.close();
    }
  }

  return {
    path,
    bytesTotal: stat?.isFile() === true ? stat.size : undefined,
    changed: stat?.isFile() === true ? stat.mtimeMs : undefined,
    bytesRead: () => read,
    problem: () => problem,
    chunks: chunks(),
  };
};
