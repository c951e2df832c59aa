/** The thread that reads mailboxes' files: a slow disk keeps nobody waiting but it. */
import { parentPort, workerData } from 'node:worker_threads';
import { readMaildirs, readMboxes } from '../../sense/mailboxes/read.ts';
import type { FileSource } from './files.ts';

// Handed over by `files.ts`.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const source = workerData as FileSource;
parentPort?.postMessage(
  source.kind === 'maildir' ? readMaildirs(source.path) : readMboxes(source.path, source.bytesMax),
);
