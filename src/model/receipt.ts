/** Receipt: what the ledger holds of an action before it is carried out (DESIGN §3), enough to finish or undo it after a crash. */
export const actionKinds = [
  'firewall-block',
  'allowance',
  'access-entry',
  'account-lock',
  'login-shut',
  'queue-hold',
  'queue-purge',
  'forward-off',
  'catchall-lock',
  'strict-answers',
  'setup',
] as const;
export type ActionKind = (typeof actionKinds)[number];

/**
 * `suggested`: waits for a yes, nothing is done. `open`: written; the deed may be done, half done or not begun. `undoing`: the undo has begun. `failed`: it did not take,
 * and what had been done of it was undone.
 */
export const receiptStates = ['suggested', 'open', 'done', 'undoing', 'undone', 'failed'] as const;
type ReceiptState = (typeof receiptStates)[number];

/** Plain JSON; what `undo` needs beyond the world as it is then. */
export type Memory = null | boolean | number | string | readonly Memory[] | { readonly [key: string]: Memory };

export type Receipt = {
  /** `A` and five letters or digits, told to people: `postern undo A7K2QM`. */
  readonly id: string;
  readonly kind: ActionKind;
  /** An address, network, account, domain or server, in the words of the command line. */
  readonly subject: string;
  readonly memory: Memory;
  readonly state: ReceiptState;
  /** Milliseconds since 1970. */
  readonly made: number;
  /** Undone by itself then; undefined: by hand only. */
  readonly until: number | undefined;
  readonly incident: string | undefined;
  /** Login name of a person, or `guard`. */
  readonly who: string;
  readonly why: string;
  /** The last thing that happened to it, for people. */
  readonly note: string;
};

/** The ledger as actions see it. Every call returns after all of it is on disk. */
export type Receipts = {
  readonly add: (receipts: readonly Receipt[]) => void;
  readonly move: (ids: readonly string[], state: ReceiptState, note: string) => void;
  readonly get: (id: string) => Receipt | undefined;
  /** Those done for the same kind and subject, written before, the oldest first: a renewal takes their place. */
  readonly before: (receipt: Receipt) => readonly string[];
  /** Done for the same kind and subject, written later. */
  readonly after: (receipt: Receipt) => readonly string[];
  /** Newest first. */
  readonly inState: (...states: readonly ReceiptState[]) => readonly Receipt[];
  /** Done or suggested, and over by then. */
  readonly due: (time: number) => readonly Receipt[];
  /** Done, newest first; of one subject or of all. */
  readonly inForce: (kind: ActionKind, subject?: string) => readonly Receipt[];
  /** How many they are, without reading them: there may be a hundred thousand. */
  readonly countInForce: (kind: ActionKind) => number;
  /** All that an incident led to, newest first. */
  readonly ofIncident: (incident: string) => readonly Receipt[];
  /** Newest first. */
  readonly latest: (countMax: number) => readonly Receipt[];
};
