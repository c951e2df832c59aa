/**
 * When the log of each server last spoke, in memory that every thread sees: while it speaks, good news of the server's hooks
 * would only be thrown away by the main thread, and is not sent there. But of connections, which Exim's and Sendmail's logs do
 * not tell of as they are set by default: those are sent until the log has told of one.
 */
import { serverNames } from '../model/event.ts';
import type { Event } from '../model/event.ts';

type Told = Pick<Event, 'server' | 'kind' | 'outcome'>;

export type LogPulse = {
  /** A log told this. */
  readonly beat: (event: Told) => void;
  /** The log speaks of such events. */
  readonly isFresh: (event: Told) => boolean;
};

export const logPulseBytes = 8 * serverNames.length;

/** One that was refused stands in a log without the others. */
export const isConnection = ({ kind, outcome }: Told): boolean => kind === 'connect' && outcome === undefined;

/** Far below the time after which a log counts as silent (`witness.ts`): what is sent from then on shows how much is asked meanwhile. */
const freshSeconds = 30;

/** @param now seconds of a clock that is the same for every thread and never goes back */
export const createLogPulse = (memory: SharedArrayBuffer, now = (): number => process.hrtime()[0]): LogPulse => {
  const beats = new Int32Array(memory);
  return {
    // One more, so that 0 is: never.
    beat: (event) => {
      const at = serverNames.indexOf(event.server);
      Atomics.store(beats, at, now() + 1);
      if (isConnection(event)) Atomics.store(beats, serverNames.length + at, 1);
    },
    isFresh: (event) => {
      const at = serverNames.indexOf(event.server);
      if (isConnection(event) && Atomics.load(beats, serverNames.length + at) === 0) return false;
      const last = Atomics.load(beats, at);
      return last > 0 && now() + 1 - last < freshSeconds;
    },
  };
};
