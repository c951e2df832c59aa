/**
 * The ladder: from a score in nats to what a client is told (DETECTION B.1). Between nothing and a refusal there is
 * always room in which a good sender only loses seconds.
 */
import { laterReply } from '../model/reply.ts';
import type { Reply } from '../model/reply.ts';
import type { Term, Verdict } from '../model/verdict.ts';

/** 100:1, 1000:1, α = 1e-4. */
const delayFrom = 4.6;
export const deferFrom = 6.9;
const dropFrom = 9.2;
/** α = 1e-5: hostile. */
export const convictionFrom = 11.5;
/** A sender with a long good history: so that one stale list does not cost it. */
export const convictionEstablished = 16.1;
/** ln 256: a network is tried 256 times as often as one address. */
export const networkMargin = Math.log(256);
export const convictedInNetworkMin = 2;

const levels = ['none', 'delay', 'defer', 'drop', 'refuse'] as const;
export type Level = (typeof levels)[number];

const delayMs = 2000;

export const levelOf = (score: number): Exclude<Level, 'refuse'> => {
  if (score < delayFrom) return 'none';
  if (score < deferFrom) return 'delay';
  return score < dropFrom ? 'defer' : 'drop';
};

export const harder = (a: Level, b: Level): Level => (levels.indexOf(a) >= levels.indexOf(b) ? a : b);
export const atMost = (level: Level, ceiling: Level): Level =>
  levels.indexOf(level) <= levels.indexOf(ceiling) ? level : ceiling;

/** The client learns that it is refused, not why: the reasons are the postmaster's. */
const closing: Reply<'4'> = { code: '421', enhanced: '4.7.0', text: 'Too many errors, closing connection' };
const refused: Reply<'5'> = {
  code: '554',
  enhanced: '5.7.1',
  text: 'Refused because of too many errors from your address',
};

export const verdictOf = (level: Level, why: readonly Term[]): Verdict => {
  switch (level) {
    case 'none':
      return { kind: 'accept', why };
    case 'delay':
      return { kind: 'delay', delayMs, why };
    case 'defer':
      return { kind: 'defer', reply: laterReply, why };
    case 'drop':
      return { kind: 'drop', reply: closing, why };
    case 'refuse':
      return { kind: 'reject', reply: refused, why };
  }
};
