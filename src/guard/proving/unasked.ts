/**
 * The passive form of the proof: what a server took, as its log tells, since it last asked. Each message comes with a question
 * at least, so that many in a row without any were asked about by nobody.
 */
import type { Event } from '../../model/event.ts';

/** So many are worth a look. More than this are seldom under way at once, with all of their questions behind them. */
export const unaskedMin = 50;

/** A message, or a login to a mailbox, that came from somewhere and was taken. */
export const isTaken = (event: Event): boolean => {
  if (event.client === undefined) return false;
  if (event.server === 'dovecot') return event.kind === 'auth' && event.outcome === 'success';
  // Who logged in, and the sendmail command, are let through by many a rule of the site itself.
  return event.kind === 'message' && event.protocol !== 'local' && event.account === undefined;
};

export type Unasked = {
  /** @returns how much was taken since the last question */
  readonly took: (server: string) => number;
  readonly of: (server: string) => number;
  /** They do ask: what was taken came in by another way. */
  readonly forgive: (server: string) => void;
};

/** @param askedOf how often a server has asked */
export const createUnasked = (askedOf: (server: string) => number): Unasked => {
  const known = new Map<string, { asked: number; count: number }>();
  const knownOf = (server: string): { asked: number; count: number } => {
    const asked = askedOf(server);
    const found = known.get(server);
    if (found?.asked === asked) return found;
    const anew = { asked, count: 0 };
    known.set(server, anew);
    return anew;
  };
  return {
    took: (server) => ++knownOf(server).count,
    of: (server) => knownOf(server).count,
    forgive: (server) => {
      knownOf(server).count = 0;
    },
  };
};
