/**
 * The passive form of the proof: what a server took, as its log tells, after it last asked. Each message comes with a question
 * at least, so that many without any were asked about by nobody. A log is read later than a question is heard, so that it is
 * the log's own times that count.
 */
import type { Event } from '../../model/event.ts';

/** So many are worth a look. */
export const unaskedMin = 50;
/** A message is taken, and written down, so soon after the last question about it. */
const takenSecondsMax = 5;

/** A message, or a login to a mailbox, that came from somewhere and was taken. */
export const isTaken = (event: Event): boolean => {
  if (event.client === undefined) return false;
  if (event.server === 'dovecot') return event.kind === 'auth' && event.outcome === 'success';
  // Who logged in, and the sendmail command, are let through by many a rule of the site itself.
  return event.kind === 'message' && event.protocol !== 'local' && event.account === undefined;
};

export type Unasked = {
  /** @param time the log's @returns how much was taken since the last question */
  readonly took: (server: string, time: number) => number;
  readonly of: (server: string) => number;
  /** They do ask: what was taken came in by another way. */
  readonly forgive: (server: string) => void;
};

/** @param askedAt when a server last asked, in seconds since 1970 */
export const createUnasked = (askedAt: (server: string) => number): Unasked => {
  const known = new Map<string, { asked: number; count: number }>();
  const knownOf = (server: string): { asked: number; count: number } => {
    const asked = askedAt(server);
    const found = known.get(server);
    if (found?.asked === asked) return found;
    const anew = { asked, count: 0 };
    known.set(server, anew);
    return anew;
  };
  return {
    took: (server, time) => {
      const found = knownOf(server);
      if (time > (found.asked + takenSecondsMax) * 1000) found.count++;
      return found.count;
    },
    of: (server) => knownOf(server).count,
    forgive: (server) => {
      knownOf(server).count = 0;
    },
  };
};
