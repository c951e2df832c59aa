/**
 * The passive form of the proof: mail that a server took, as its log tells, against the questions that it asked. Each message
 * comes with a question at least, so that questions pay for messages in advance; where nobody pays any more, nobody asks.
 */
import type { Event } from '../../model/event.ts';

/** So many sessions at once may ask first and be logged later. */
const creditMax = 200;
/** So many messages without any question are worth a look. */
export const unaskedMin = 50;

/** A message, or a login to a mailbox, that came from somewhere and was taken. */
export const isTaken = (event: Event): boolean => {
  if (event.client === undefined) return false;
  if (event.server === 'dovecot') return event.kind === 'auth' && event.outcome === 'success';
  // Who logged in, and the sendmail command, are let through by many a rule of the site itself.
  return event.kind === 'message' && event.protocol !== 'local' && event.account === undefined;
};

export type Unasked = {
  /** @returns how much was taken unasked; 0 while questions come */
  readonly took: (server: string) => number;
  readonly of: (server: string) => number;
  /** They do ask: what was taken came in by another way. */
  readonly forgive: (server: string) => void;
};

/** @param askedOf how often a server has asked; wraps around */
export const createUnasked = (askedOf: (server: string) => number): Unasked => {
  const known = new Map<string, { asked: number; debt: number }>();
  const knownOf = (server: string): { asked: number; debt: number } => {
    let found = known.get(server);
    if (found === undefined) known.set(server, (found = { asked: askedOf(server), debt: 0 }));
    const questions = (askedOf(server) - found.asked) >>> 0;
    if (questions > 0) {
      found.debt = Math.max(-creditMax, Math.min(0, found.debt) - questions);
      found.asked = askedOf(server);
    }
    return found;
  };
  return {
    took: (server) => Math.max(0, ++knownOf(server).debt),
    of: (server) => Math.max(0, knownOf(server).debt),
    forgive: (server) => {
      knownOf(server).debt = 0;
    },
  };
};
