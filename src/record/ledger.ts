/** The ledger: what must survive a crash. One conformance suite (`ledger.test.ts`) holds every implementation. */
import type { Receipt, Receipts } from '../model/receipt.ts';
import type { Incident } from '../model/report.ts';

type IncidentRecords = {
  /** As it is now; the one before with its id is replaced. */
  readonly save: (incidents: readonly Incident[]) => void;
  readonly get: (id: string) => Incident | undefined;
  /** Not closed, newest first. */
  readonly open: () => readonly Incident[];
  readonly latest: (countMax: number) => readonly Incident[];
};

/** Nothing is to be done until then; kept with who said so. */
type Pause = { readonly until: number; readonly who: string; readonly why: string };

/** A notice as text, for one channel, that nobody has taken yet. */
type Waiting = {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly channel: string;
  readonly tries: number;
  readonly document: string;
};

type Outbox = {
  /** @returns its id */
  readonly add: (channel: string, document: string) => number;
  readonly tried: (id: number) => void;
  readonly remove: (id: number) => void;
  /** Oldest first. */
  readonly waiting: () => readonly Waiting[];
};

/** One thing that the ledger holds, with all that happened to it. */
export type LedgerEntry =
  | ({ readonly entry: 'incident' } & Incident)
  | ({
      readonly entry: 'action';
      readonly moves: readonly { readonly time: number; readonly state: string; readonly note: string }[];
    } & Receipt)
  | ({ readonly entry: 'pause'; readonly time: number } & Pause);

type Archive = {
  /** Everything, oldest first of each sort; one at a time, so that a large ledger needs no memory. */
  readonly entries: () => Iterable<LedgerEntry>;
  /**
   * Forgets closed actions that ended before, and the oldest closed ones beyond a number; closed incidents without actions,
   * and pauses, from before. Some thousands at once: call again until none is left. @returns how many actions
   */
  readonly forget: (limits: { readonly before: number; readonly receiptsMax: number }) => number;
};

export type Ledger = {
  readonly receipts: Receipts;
  readonly incidents: IncidentRecords;
  readonly pause: { readonly get: () => Pause | undefined; readonly set: (pause: Pause | undefined) => void };
  readonly outbox: Outbox;
  readonly archive: Archive;
  readonly close: () => void;
};
