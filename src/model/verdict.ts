/** Verdict: the answer to a question; what the client is told, and separately why (principle: two audiences, two texts). */
import type { Reply } from './reply.ts';

/** One term of a score, in words and nats. */
export type Term = {
  readonly detector: string;
  readonly subject: string;
  readonly score: number;
  readonly threshold: number;
};

export type Verdict =
  /** `known`: the client delivered mail or logged in before, or is one of ours. */
  | { readonly kind: 'accept'; readonly why: readonly Term[]; readonly known?: true }
  | { readonly kind: 'delay'; readonly delayMs: number; readonly why: readonly Term[] }
  /** 4xx, the session goes on. */
  | { readonly kind: 'defer'; readonly reply: Reply<'4'>; readonly why: readonly Term[] }
  /** 5xx, the session goes on. `blameless`: because of the recipient; nothing is held against the client. */
  | { readonly kind: 'reject'; readonly reply: Reply<'5'>; readonly why: readonly Term[]; readonly blameless?: true }
  /** 421 and close. */
  | { readonly kind: 'drop'; readonly reply: Reply<'4'>; readonly why: readonly Term[] }
  /** Accept, then freeze in the queue as evidence. */
  | { readonly kind: 'hold'; readonly why: readonly Term[] };
export type VerdictKind = Verdict['kind'];
