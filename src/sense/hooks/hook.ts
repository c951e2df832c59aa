/** What every live hook is given and gives back. A hook asks from memory, tells what it saw, and fails open. */
import type { Event } from '../../model/event.ts';
import type { Ask, Tell } from '../../model/ports.ts';
import type { Question } from '../../model/question.ts';
import type { Endpoint, Listen } from './listen.ts';
import type { EvidenceSince } from './outcomes.ts';

export type HookSettings = {
  readonly listen: Listen;
  readonly ask: Ask;
  /** What only the hook saw; the guard drops what a followed log of the same server tells as well. */
  readonly tell: Tell;
  /** True when a question is to be left without any answer: `postern check` proves that mail flows on. */
  readonly withholds?: (question: Question) => boolean;
  /** Told of every error that a question caused; the answer is the fail-open one all the same. */
  readonly complain: (error: unknown) => void;
  /** Whether a log tells this too, and what is told here is not counted. */
  readonly logTells?: (event: Event) => boolean;
  /** Given: whoever must not be answered ahead of the evidence waits for it. */
  readonly evidenceSince?: EvidenceSince;
};

export type Hook = {
  readonly endpoint: Endpoint;
  /** Closes every connection; the servers ask again on a new one. */
  readonly stop: () => Promise<void>;
};

export type StartHook = (settings: HookSettings) => Promise<Hook>;
