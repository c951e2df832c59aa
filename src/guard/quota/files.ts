/** Has mailboxes' files read in a thread of its own, and waits for what it found. */
import { Worker } from 'node:worker_threads';
import type { Mailboxes } from '../../sense/mailboxes/read.ts';
import type { QuotaSource } from '../../servers/quota/source.ts';

export type FileSource = Extract<QuotaSource, { kind: 'maildir' | 'mbox' }>;

/** @throws what the disk said, or that `signal` ended it */
export const readInThread = async (source: FileSource, signal?: AbortSignal): Promise<Mailboxes> => {
  const worker = new Worker(new URL('./files-thread.ts', import.meta.url), { workerData: source });
  const { promise, resolve, reject } = Promise.withResolvers<Mailboxes>();
  const leave = (): void => reject(new Error('ended'));
  signal?.addEventListener('abort', leave, { once: true });
  worker.once('message', resolve).once('error', reject).once('exit', leave);
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', leave);
    void worker.terminate();
  }
};
