/** Starts the listener threads of the live hooks, starts again what ended by itself, and stops them. */
import { setTimeout as pause } from 'node:timers/promises';
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
  /** Resolves when the thread has ended, with why. */
  readonly ended: Promise<string>;
};

/** Meanwhile servers find nobody there, and mail flows on without an answer. */
const againMsMin = 1000;
const againMsMax = 60_000;
/** Who ran so long ends for another reason than the last time. */
const calmMs = 60_000;

const wordsOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

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
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  worker.on('error', (error) => {
    reject(error);
    end(wordsOf(error));
  });
  worker.once('exit', () => {
    reject(new Error('it ended'));
    end('no reason given');
    for (const resolveSpoke of spoke.splice(0)) resolveSpoke();
  });
  return { worker, endpoints: await promise, spoke, ended };
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
  const started = new Map<number, Started>();
  const keeping: Promise<void>[] = [];
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
  const startNumbered = async (thread: number): Promise<Started> => {
    const begun = await startThread({ ...data, hooks: hooksOf(data.hooks, thread, threads) }, news);
    started.set(thread, begun);
    return begun;
  };
  /** Resolves when the thread has ended because it was to stop. */
  const keep = async (thread: number, { ended }: Started): Promise<void> => {
    let why = await ended;
    for (let waitMs = againMsMin; !isStopping();) {
      news.onComplaint(`a listener thread ended, it is started again in ${waitMs / 1000} s: ${why}`);
      await pause(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (isStopping()) return;
      const began = performance.now();
      const next = await startNumbered(thread).catch(wordsOf);
      if (typeof next !== 'string' && isStopping()) next.worker.postMessage('stop');
      why = typeof next === 'string' ? next : await next.ended;
      waitMs = performance.now() - began > calmMs ? againMsMin : Math.min(2 * waitMs, againMsMax);
    }
  };
  const stop = async (): Promise<void> => {
    stopping.abort();
    for (const { worker } of started.values()) worker.postMessage('stop');
    await Promise.all(keeping);
  };
  try {
    for (let thread = 0; thread < threads; thread++) keeping.push(keep(thread, await startNumbered(thread)));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoints: new Map(started.get(0)?.endpoints),
    heard: async () => void (await Promise.all([...started.values()].map(hearThread))),
    stop,
  };
};
