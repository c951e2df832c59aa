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

/** What a hostile client gets: slow failures for as long as it stays, or the end of its session. */
export type HostileAnswer = 'hold' | 'drop';

/** What an answer did to the clients of one campaign. */
export type ArmReport = {
  readonly campaign: string;
  readonly hold: ArmCount;
  readonly drop: ArmCount;
  /** The one with fewer new addresses after it. */
  readonly kept: HostileAnswer;
};
export type ArmCount = {
  readonly clients: number;
  /** New addresses within a minute after it. */
  readonly followed: number;
  /** How long those clients were bound. */
  readonly seconds: number;
};

/** What the answers of one listener have done since it was started. */
export type AnswersNote = {
  readonly kind: 'answers';
  readonly time: number;
  /** The listener: several have each their own. */
  readonly listener: string;
  readonly campaigns: readonly ArmReport[];
  /** User and system time of its thread, good sessions included. */
  readonly cpuSeconds: number;
};

export type GateNote = RefusalNote | TranscriptNote | AnswersNote;
