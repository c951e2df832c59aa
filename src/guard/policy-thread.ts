/** One listener thread: answers Postfix from the shared memory, which only the guard's main thread writes. */
import { parentPort, workerData } from 'node:worker_threads';
import { createMemory } from '../judge/memory.ts';
import { createAsk } from '../judge/verdict.ts';
import { createProgress } from '../sense/hooks/outcomes.ts';
import { startPolicy } from '../sense/hooks/policy.ts';
import type { Listen } from '../sense/hooks/listen.ts';
import { judgeSettings } from './judge-settings.ts';
import type { JudgeChoice } from './judge-settings.ts';

export type PolicyThreadData = {
  readonly buffer: SharedArrayBuffer;
  readonly progress: SharedArrayBuffer;
  readonly seed: number;
  readonly choice: JudgeChoice;
  readonly listen: Listen;
  /** Outcomes come only when a log is followed: without one nothing is waited for. */
  readonly followsLogs: boolean;
};
export type PolicyThreadMessage =
  | { readonly ready: string }
  | { readonly failed: string }
  | { readonly complaint: string };

const complaintsPerMinuteMax = 10;

const main = async (data: PolicyThreadData): Promise<void> => {
  const memory = createMemory(data.buffer, data.seed);
  const ask = createAsk(memory.table, judgeSettings(data.choice));
  let complaints = 0;
  setInterval(() => (complaints = 0), 60_000).unref();
  const say = (message: PolicyThreadMessage): void => parentPort?.postMessage(message);
  const service = await startPolicy({
    listen: data.listen,
    ask,
    complain: (error) => {
      if (++complaints <= complaintsPerMinuteMax)
        say({ complaint: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    },
    ...(data.followsLogs ? { nextProgress: createProgress(new Int32Array(data.progress)).next } : {}),
  });
  const { endpoint } = service;
  say({ ready: 'path' in endpoint ? `unix:${endpoint.path}` : `${endpoint.host}:${endpoint.port}` });
  parentPort?.once('message', () => {
    void service.stop().then(() => parentPort?.close());
  });
};

// What the guard hands over is its own data, made a few lines before the thread was started.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
main(workerData as PolicyThreadData).catch((error: unknown) => {
  parentPort?.postMessage({
    failed: error instanceof Error ? error.message : String(error),
  } satisfies PolicyThreadMessage);
  parentPort?.close();
});
