/** Starts the listener threads of the policy service and stops them. */
import { Worker } from 'node:worker_threads';
import { Fault } from '../model/fault.ts';
import type { ListenAt } from './settings.ts';
import type { PolicyThreadData, PolicyThreadMessage } from './policy-thread.ts';

export type PolicyThreads = { readonly endpoint: string; readonly stop: () => Promise<void> };

type Shared = Omit<PolicyThreadData, 'listen'>;

const startThread = async (
  data: PolicyThreadData,
  onComplaint: (text: string) => void,
): Promise<{ worker: Worker; endpoint: string }> => {
  const worker = new Worker(new URL('./policy-thread.ts', import.meta.url), { workerData: data });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  worker.on('message', (message: PolicyThreadMessage) => {
    if ('ready' in message) resolve(message.ready);
    else if ('failed' in message) reject(new Fault('CONFIG', message.failed));
    else onComplaint(message.complaint);
  });
  worker.on('error', (error) => {
    reject(error);
    onComplaint(`a policy listener thread ended: ${String(error)}`);
  });
  return { worker, endpoint: await promise };
};

/** @throws Fault CONFIG when the address cannot be listened on */
export const startPolicyThreads = async (
  listen: Exclude<ListenAt, 'off'>,
  threads: number,
  shared: Shared,
  onComplaint: (text: string) => void,
): Promise<PolicyThreads> => {
  if ('path' in listen && threads > 1)
    throw new Fault('CONFIG', 'policy.threads: a unix socket belongs to one thread; listen on host:port for more');
  const started: { worker: Worker; endpoint: string }[] = [];
  for (let thread = 0; thread < threads; thread++) {
    const at = 'path' in listen ? listen : { ...listen, reusePort: threads > 1 };
    started.push(await startThread({ ...shared, listen: at }, onComplaint));
  }
  return {
    endpoint: started[0]?.endpoint ?? '',
    stop: async () => {
      await Promise.all(
        started.map(async ({ worker }) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          worker.once('exit', () => resolve());
          worker.postMessage('stop');
          await promise;
        }),
      );
    },
  };
};
