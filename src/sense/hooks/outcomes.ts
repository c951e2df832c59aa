/**
 * A policy service sees questions, not outcomes: whether a recipient was refused is in Postfix's log a few milliseconds
 * later, read by another thread. A client that pipelines a hundred guesses would be answered far ahead of that log. So
 * who has just had a recipient refused waits until evidence against that very client was counted: on a busy server something
 * is counted all the time, and most of it is about others.
 */
import type { PolicyRequest } from '../../protocols/postfix-policy/request.ts';
import type { VerdictKind } from '../../model/verdict.ts';

/** Resolves when evidence was counted, at the latest after `msMax`. */
export type Counted = (msMax: number) => Promise<void>;
/** @returns what waits for evidence against this client that is counted from now on */
export type EvidenceSince = (client: string | undefined) => Counted;

/**
 * An outcome that is not in the log after this time is not waited for. It is there after a few milliseconds; under an attack, or
 * on a slow machine, later. Whoever waits has just been refused, so waiting costs nobody else.
 */
export const outcomeMsMax = 1000;

/** So many clients at once seldom share a counter; who does is woken by the other's evidence too. */
const countersMax = 4096;
export const evidenceBytes = 4 * countersMax;

/** FNV-1a. */
const counterOf = (client: string): number => {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < client.length; at++) hash = Math.imul(hash ^ client.charCodeAt(at), 0x0100_0193);
  return (hash >>> 0) % countersMax;
};

/** @param memory shared by the threads */
export const createEvidence = (
  memory: SharedArrayBuffer,
): {
  /** The statistics hold it already. */
  readonly count: (client: string) => void;
  readonly since: EvidenceSince;
} => {
  const counters = new Int32Array(memory);
  return {
    count: (client) => {
      const at = counterOf(client);
      Atomics.add(counters, at, 1);
      Atomics.notify(counters, at);
    },
    since: (client = '') => {
      const at = counterOf(client);
      const before = Atomics.load(counters, at);
      return async (msMax) => void (await Atomics.waitAsync(counters, at, before, msMax).value);
    },
  };
};

/** What one connection remembers of the last recipient it was asked about. An smtpd process has one client at a time. */
export type LastRecipient = {
  /** Restrictions of four stages ask about the same recipient of the same transaction. */
  readonly isSame: (request: PolicyRequest) => boolean;
  /**
   * How long the outcome of the last recipient may still be on its way. Postfix opens the queue file with the first
   * accepted recipient, so another recipient of the same transaction without a queue id proves that the last one was refused.
   */
  readonly outcomeDueMs: (request: PolicyRequest, time: number) => number;
  /** The outcome is known now, or will never be. */
  readonly settle: () => void;
  /** Other recipients of this transaction asked about before, once one of them was accepted. */
  readonly recipientsBefore: (request: PolicyRequest) => number;
  readonly remember: (request: PolicyRequest, verdict: VerdictKind, time: number) => void;
};

/** These we refuse ourselves, and the statistics hold why already. */
const refusals: ReadonlySet<VerdictKind> = new Set(['defer', 'reject', 'drop']);

export const createLastRecipient = (): LastRecipient => {
  let instance = '';
  let recipient = '';
  let askedAt = 0;
  let refusedByUs = false;
  let asked = 0;

  const isSame = (request: PolicyRequest): boolean => request.instance === instance && request.recipient === recipient;
  return {
    isSame,
    outcomeDueMs: (request, time) => {
      if (recipient === '' || refusedByUs || request.queue_id !== '' || request.sasl_username !== '') return 0;
      if (request.protocol_state !== 'RCPT' || request.instance !== instance || request.recipient === recipient)
        return 0;
      return Math.max(0, Math.min(outcomeMsMax, askedAt + outcomeMsMax - time));
    },
    settle: () => {
      askedAt = -outcomeMsMax;
    },
    recipientsBefore: (request) => {
      if (request.instance !== instance || request.queue_id === '') return 0;
      return isSame(request) ? asked - 1 : asked;
    },
    remember: (request, verdict, time) => {
      if (request.protocol_state !== 'RCPT') return;
      if (request.instance !== instance) asked = 1;
      else if (!isSame(request)) asked++;
      refusedByUs = refusals.has(verdict) || (refusedByUs && isSame(request));
      ({ instance, recipient } = request);
      askedAt = time;
    },
  };
};
