/** What the gate keeps for the postmaster: why a client was refused, and what a suspect one said. */
import type { Stage } from './question.ts';
import type { Term } from './verdict.ts';

/** A refusal, by the reference that its reply carried: the client is told no more, the postmaster everything. */
export type RefusalNote = {
  readonly kind: 'refusal';
  readonly ref: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly client: string;
  readonly stage: Stage;
  readonly helo: string | undefined;
  readonly account: string | undefined;
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
  /** What the client heard. */
  readonly reply: string;
  readonly why: readonly Term[];
};

/** A session of a suspect client, line by line; no password, no content of a message. */
export type TranscriptNote = {
  readonly kind: 'transcript';
  readonly time: number;
  readonly client: string;
  /** `> ` what the client said, `< ` what it heard. */
  readonly lines: readonly string[];
};

export type GateNote = RefusalNote | TranscriptNote;
