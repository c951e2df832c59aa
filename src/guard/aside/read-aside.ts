/** Reads logs in a thread of its own where that pays, so that they are read and judged at the same time. */
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Fault } from '../../model/fault.ts';
import type { Tell } from '../../model/ports.ts';
import type { FileReport } from '../../model/report.ts';
import { readLogs } from '../read-logs.ts';
import type { ReadOptions } from '../read-logs.ts';
import { unpack } from './batch.ts';
import { hear, newControl, orderStop } from './control.ts';
import type { ReaderData, ReaderMessage } from './reader-thread.ts';

type AsideOptions = Omit<ReadOptions, 'onUnmatched' | 'drained'>;

/** To start a thread takes as long as to read this much. */
const bytesMin = 8 * 1024 * 1024;

/** Undefined for what is no file. */
const fileBytes = (path: string): number | undefined => {
  try {
    const stat = statSync(path);
    return stat.isFile() ? stat.size : undefined;
  } catch {
    return undefined;
  }
};

/** A pipe is read where it is open; what is no file is told of there, too. */
const pays = (paths: readonly string[]): boolean => {
  const bytes = paths.map(fileBytes);
  const isMuch = bytes.reduce<number>((sum, each) => sum + (each ?? 0), 0) >= bytesMin;
  return isMuch && !bytes.includes(undefined) && availableParallelism() > 1;
};

const readInThread = async (options: AsideOptions, tell: Tell): Promise<readonly FileReport[]> => {
  const { paths, zone, now, onProgress, signal } = options;
  const control = newControl();
  const data: ReaderData = { paths, zone: zone.name, now, control };
  const worker = new Worker(new URL('./reader-thread.ts', import.meta.url), { workerData: data });
  const stop = (): void => orderStop(control);
  const { promise, resolve, reject } = Promise.withResolvers<readonly FileReport[]>();
  worker.on('message', (message: ReaderMessage) => {
    if ('files' in message) resolve(message.files);
    else if ('fault' in message) reject(new Fault(message.fault.code, message.fault.message));
    else {
      hear(control);
      try {
        unpack(message.batch, tell);
      } catch (error) {
        reject(error);
      }
      if (message.progress !== undefined) onProgress?.(message.progress);
    }
  });
  worker.on('error', reject);
  worker.once('exit', () => reject(new Error('the thread that reads the logs ended')));
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
};

/** As `readLogs`. @throws Fault INPUT_UNREADABLE before anything is told, when one of the files cannot be opened */
export const readAside = (options: AsideOptions, tell: Tell): Promise<readonly FileReport[]> =>
  pays(options.paths) ? readInThread(options, tell) : readLogs(options, tell);
