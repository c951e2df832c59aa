/**
 * Act: one kind of reversible deed. A file beside this one each, one row in `all.ts`. `perform.ts` carries it out: plan,
 * receipt, deed, verify; a crash anywhere is finished or undone at the next start, so `carry` and `undo` may be repeated.
 */
import type { ActionKind, Memory } from '../model/receipt.ts';
import type { CarryOut } from '../model/verb.ts';

export type Plan = {
  readonly subject: string;
  /** What would be done, a line each; what a dry run prints. Empty: nothing to do. */
  readonly lines: readonly string[];
  /** All that `carry`, `verify` and `undo` need: they get nothing else. */
  readonly memory: Memory;
};

export type Proof = { readonly took: boolean; readonly text: string };

/** The same for many at once, where that is much cheaper: all or none of it is done. */
type AtOnce = {
  readonly carry: (memories: readonly Memory[], carryOut: CarryOut) => Promise<void>;
  /** One proof a memory. */
  readonly verify: (memories: readonly Memory[], carryOut: CarryOut) => Promise<readonly Proof[]>;
  /** @returns what was kept of edits made meanwhile, or '' */
  readonly undo: (memories: readonly Memory[], carryOut: CarryOut) => Promise<string>;
};

/** What is done with a receipt's memory alone, also by whoever finds it after a crash. */
export type Deed = {
  readonly kind: ActionKind;
  readonly carry: (memory: Memory, carryOut: CarryOut) => Promise<void>;
  /** Asks the thing itself whether the deed took. */
  readonly verify: (memory: Memory, carryOut: CarryOut) => Promise<Proof>;
  /** Puts back what was there, whatever of the deed had been done. @returns what was kept of edits made meanwhile, or '' */
  readonly undo: (memory: Memory, carryOut: CarryOut) => Promise<string>;
  /** Asked before what was done is undone by hand. @throws Fault when what the undo needs is gone: nothing is changed then */
  readonly mayUndo?: (memory: Memory, carryOut: CarryOut) => Promise<void>;
  readonly atOnce?: AtOnce;
  /** Compared with what is there every few seconds, and done again when somebody took it away. */
  readonly repairs?: true;
  /** What it made may be looked for (`drift.ts`), and is missed when it is gone: every minute, or only when somebody asks. */
  readonly drifts?: 'watched' | 'asked';
  /** One standing per subject: done again, it takes the place of the one before, whose receipt is closed without an undo. */
  readonly renews?: boolean;
};

export type Act<Wanted> = Deed & {
  /** Asks once, before any plan, whether this machine can do it at all. @throws Fault CONFIG with what is missing */
  readonly ready?: (carryOut: CarryOut) => Promise<void>;
  /** Looks and changes nothing. @throws Fault REFUSED_FOR_SAFETY when it must not be done */
  readonly plan: (wanted: Wanted, carryOut: CarryOut) => Promise<Plan>;
};
