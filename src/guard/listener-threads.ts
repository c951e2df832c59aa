/** Starts the listener threads of the live hooks and stops them. */
import { Worker } from 'node:worker_threads';
import type { Event } from '../model/event.ts';
import type { GateNote } from '../model/gate-note.ts';
import { Fault } from '../model/fault.ts';
import type { ListenerData, ListenerMessage } from './listener-thread.ts';
import type { HookName } from './settings.ts';

export type ListenerThreads = {
  /** Where each hook listens. */
  readonly endpoints: ReadonlyMap<HookName, string>;
  /** Resolves when all that the hooks had to tell at the call has been heard. */
  readonly heard: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

type News = {
  readonly onTold: (events: readonly Event[]) => void;
  readonly onNoted: (note: GateNote) => void;
  readonly onComplaint: (text: string) => void;
};
type Started = {
  readonly worker: Worker;
  readonly endpoints: readonly (readonly [HookName, string])[];
  /** Who waits until the thread has told all. */
  readonly spoke: (() => void)[];
};

/** Each thread answers once, and what it had told before comes before. */
const hearThread = async ({ worker, spoke }: Started): Promise<void> => {
  if (worker.threadId < 0) return; // it has ended
  const { promise, resolve } = Promise.withResolvers<void>();
  spoke.push(resolve);
  worker.postMessage('tell');
  await promise;
};

const startThread = async (data: ListenerData, { onTold, onNoted, onComplaint }: News): Promise<Started> => {
  const worker = new Worker(new URL('./listener-thread.ts', import.meta.url), { workerData: data });
  const { promise, resolve, reject } = Promise.withResolvers<Started['endpoints']>();
  const spoke: Started['spoke'] = [];
  worker.on('message', (message: ListenerMessage) => {
    if ('told' in message) onTold(message.told);
    else if ('noted' in message) onNoted(message.noted);
    else if ('ready' in message) resolve(message.ready);
    else if ('toldAll' in message) spoke.shift()?.();
    else if ('failed' in message) reject(new Fault('CONFIG', message.failed));
    else onComplaint(message.complaint);
  });
  worker.once('exit', () => {
    for (const resolveSpoke of spoke.splice(0)) resolveSpoke();
  });
  worker.on('error', (error) => {
    reject(error);
    onComplaint(`a listener thread ended: ${String(error)}`);
  });
  return { worker, endpoints: await promise, spoke };
};

const stopThread = async ({ worker }: Started): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  worker.once('exit', () => resolve());
  worker.postMessage('stop');
  await promise;
};

/** The hooks of one thread: every thread listens on the TCP ports, the first one alone on unix sockets. */
const hooksOf = (hooks: ListenerData['hooks'], thread: number, threads: number): ListenerData['hooks'] =>
  hooks
    .filter(({ listen }) => thread === 0 || !('path' in listen))
    .map(({ listen, ...hook }) => ({
      ...hook,
      listen: 'path' in listen ? listen : { ...listen, reusePort: threads > 1 },
    }));

/** @throws Fault CONFIG when an address cannot be listened on */
export const startListenerThreads = async (
  data: ListenerData,
  threads: number,
  news: News,
): Promise<ListenerThreads> => {
  const started: Started[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(started.map(stopThread)));
  try {
    for (let thread = 0; thread < threads; thread++)
      started.push(await startThread({ ...data, hooks: hooksOf(data.hooks, thread, threads) }, news));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoints: new Map(started[0]?.endpoints),
    heard: async () => void (await Promise.all(started.map(hearThread))),
    stop,
  };
};
