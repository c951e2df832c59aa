/** A thread that reads logs for another one, which judges meanwhile: the events go over in batches. */
import { parentPort, workerData } from 'node:worker_threads';
import { Fault } from '../../model/fault.ts';
import type { FaultCode } from '../../model/fault.ts';
import type { FileReport } from '../../model/report.ts';
import { localZone, zoneOf } from '../../protocols/syslog/zone.ts';
import { readLogs } from '../read-logs.ts';
import type { Progress } from '../read-logs.ts';
import { createPacker, eventsMax } from './batch.ts';
import type { Batch } from './batch.ts';
import { isStopped, waitForHearing } from './control.ts';
import type { Control } from './control.ts';

export type ReaderData = {
  readonly paths: readonly string[];
  readonly zone: string;
  readonly now: number;
  readonly control: Control;
};
export type ReaderMessage =
  | { readonly batch: Batch; readonly progress: Progress | undefined }
  | { readonly files: readonly FileReport[] }
  | { readonly fault: { readonly code: FaultCode; readonly message: string } };

const { paths, zone, now, control }: ReaderData = workerData; // what read-aside.ts gave
const stop = new AbortController();
const packer = createPacker();
let sent = 0;
let progress: Progress | undefined;

const post = (message: ReaderMessage, transfer: ArrayBuffer[] = []): void => parentPort?.postMessage(message, transfer);

const send = (): void => {
  if (packer.size() === 0) return;
  const batch = packer.take();
  sent++;
  post({ batch, progress }, [batch.words.buffer, batch.floats.buffer]);
};

/** Waits while the other thread is behind. */
const drained = (): Promise<void> => {
  if (packer.size() > eventsMax / 2) send();
  waitForHearing(control, sent);
  if (isStopped(control)) stop.abort();
  return Promise.resolve();
};

try {
  const files = await readLogs(
    {
      paths,
      zone: zoneOf(zone) ?? localZone,
      now,
      signal: stop.signal,
      onProgress: (latest) => (progress = latest),
      drained,
    },
    (event) => {
      packer.add(event);
      if (packer.size() === eventsMax) send();
    },
  );
  send();
  post({ files });
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  post({ fault: { code: error.code, message: error.message } });
}
