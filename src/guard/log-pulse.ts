/**
 * When the log of each server last spoke, in memory that every thread sees: while it speaks, good news of the server's hooks
 * would only be thrown away by the main thread, and is not sent there.
 */
import { serverNames } from '../model/event.ts';
import type { ServerName } from '../model/event.ts';

export type LogPulse = {
  readonly beat: (server: ServerName) => void;
  readonly isFresh: (server: ServerName) => boolean;
};

export const logPulseBytes = 4 * serverNames.length;

/** Far below the time after which a log counts as silent (`witness.ts`): what is sent from then on shows how much is asked meanwhile. */
const freshSeconds = 30;

/** @param now seconds of a clock that is the same for every thread and never goes back */
export const createLogPulse = (memory: SharedArrayBuffer, now = (): number => process.hrtime()[0]): LogPulse => {
  const beats = new Int32Array(memory);
  return {
    // One more, so that 0 is: never.
    beat: (server) => void Atomics.store(beats, serverNames.indexOf(server), now() + 1),
    isFresh: (server) => {
      const last = Atomics.load(beats, serverNames.indexOf(server));
      return last > 0 && now() + 1 - last < freshSeconds;
    },
  };
};
