/** The ledger: what must survive a crash. One conformance suite (`ledger.test.ts`) holds every implementation. */
import type { Receipts } from '../model/receipt.ts';
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

export type Ledger = {
  readonly receipts: Receipts;
  readonly incidents: IncidentRecords;
  readonly pause: { readonly get: () => Pause | undefined; readonly set: (pause: Pause | undefined) => void };
  readonly outbox: Outbox;
  readonly close: () => void;
};
