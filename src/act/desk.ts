/** What acting needs, and what all who act share: how a receipt is taken back. */
import { Fault } from '../model/fault.ts';
import type { ActionKind, Receipt, Receipts } from '../model/receipt.ts';
import type { CarryOut } from '../model/verb.ts';
import type { Deed } from './act.ts';

export type Desk = {
  readonly receipts: Receipts;
  readonly carryOut: CarryOut;
  readonly deeds: ReadonlyMap<ActionKind, Deed>;
  /** One deed at a time on this machine: what is open while this runs is left from a crash. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export const deedOf = (desk: Desk, kind: ActionKind): Deed => {
  const deed = desk.deeds.get(kind);
  if (deed === undefined) throw new Fault('PARTLY_DONE', `this Postern does not know actions of kind ${kind}`);
  return deed;
};

const joined = (note: string, kept: string): string => [note, kept].filter((part) => part !== '').join('; ');

/** A renewal that did not take leaves what it would have renewed in force: its undo has taken that away, too. */
const carryRenewed = async (desk: Desk, receipts: readonly Receipt[]): Promise<void> => {
  for (const receipt of receipts) {
    const { renews, carry } = deedOf(desk, receipt.kind);
    const id = renews === true ? desk.receipts.before(receipt).at(-1) : undefined;
    const renewed = id === undefined ? undefined : desk.receipts.get(id);
    if (renewed !== undefined && (renewed.until ?? Infinity) > desk.now()) await carry(renewed.memory, desk.carryOut);
  }
};

/**
 * Undoes what receipts of one kind stand for; they stay `undoing` when that fails, and are tried again.
 * @returns what was kept of edits made meanwhile
 */
export const takeBack = async (
  desk: Desk,
  kind: ActionKind,
  receipts: readonly Receipt[],
  end: 'undone' | 'failed',
  note: string,
): Promise<string> => {
  const { undo, atOnce } = deedOf(desk, kind);
  const ids = receipts.map(({ id }) => id);
  desk.receipts.move(ids, 'undoing', note);
  if (atOnce !== undefined) {
    const kept = await atOnce.undo(
      receipts.map(({ memory }) => memory),
      desk.carryOut,
    );
    await carryRenewed(desk, receipts);
    desk.receipts.move(ids, end, joined(note, kept));
    return kept;
  }
  let all = '';
  // The last that was done is the first to be undone.
  for (const receipt of receipts.toSorted((a, b) => b.made - a.made)) {
    const kept = await undo(receipt.memory, desk.carryOut);
    await carryRenewed(desk, [receipt]);
    desk.receipts.move([receipt.id], end, joined(note, kept));
    all = joined(all, kept);
  }
  return all;
};

/** A later receipt for its subject is in force: it has nothing of its own to undo. */
export const isReplaced = (desk: Desk, receipt: Receipt): boolean =>
  deedOf(desk, receipt.kind).renews === true && desk.receipts.after(receipt).length > 0;

/** Done now: those before them for the same subject have nothing of their own to undo any more. */
export const closeReplaced = (desk: Desk, done: readonly Receipt[]): void => {
  for (const receipt of done) {
    const before = deedOf(desk, receipt.kind).renews === true ? desk.receipts.before(receipt) : [];
    if (before.length > 0) desk.receipts.move(before, 'undone', `renewed as ${receipt.id}`);
  }
};
