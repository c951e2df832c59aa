/** Takes actions back: because somebody asks, because their time is over, or because a crash left them half done. */
import { Fault, errorWords } from '../model/fault.ts';
import type { ActionKind, Receipt } from '../model/receipt.ts';
import { closeReplaced, deedOf, isReplaced, takeBack } from './desk.ts';
import type { Desk } from './desk.ts';

/** From the question on the undo has begun: killed here, it is finished like any other. Where one may not be undone, none is. */
const askFirst = async (desk: Desk, receipts: readonly Receipt[]): Promise<void> => {
  const asked = receipts.filter(({ kind, state }) => state === 'done' && deedOf(desk, kind).mayUndo !== undefined);
  for (const { id, note } of asked) desk.receipts.move([id], 'undoing', note);
  try {
    for (const { kind, memory } of asked) await deedOf(desk, kind).mayUndo?.(memory, desk.carryOut);
  } catch (error) {
    for (const { id, note } of asked) desk.receipts.move([id], 'done', note);
    throw error;
  }
};

/** @returns what was kept of edits made meanwhile, or '' */
export const undo = (ids: readonly string[], who: string, desk: Desk): Promise<string> =>
  desk.alone(async () => {
    const receipts = ids.map((id) => {
      const receipt = desk.receipts.get(id);
      if (receipt === undefined) throw new Fault('USAGE', `there is no action ${id} (postern actions)`);
      if (receipt.state === 'undone' || receipt.state === 'failed')
        throw new Fault('USAGE', `${id} is ${receipt.state} already: ${receipt.note}`);
      return receipt;
    });
    const suggested = receipts.filter(({ state }) => state === 'suggested').map(({ id }) => id);
    const acted = receipts.filter(({ state }) => state !== 'suggested');
    await askFirst(desk, acted);
    desk.receipts.move(suggested, 'undone', `answered by ${who}`);
    const kept: string[] = [];
    for (const [kind, each] of Map.groupBy(acted, (receipt) => receipt.kind))
      kept.push(await takeBack(desk, kind, each, 'undone', `undone by ${who}`));
    return kept.filter((part) => part !== '').join('; ');
  });

/** What became of one receipt. */
export type Mended = { readonly receipt: Receipt; readonly text: string; readonly failed: boolean };

/** What is to become of a receipt that is open, half undone, or over. */
type Fate = { readonly end: 'done' | 'nothing' | 'undone' | 'failed'; readonly note: string };

const fateOf = async (desk: Desk, receipt: Receipt): Promise<Fate> => {
  if (receipt.state === 'suggested') return { end: 'nothing', note: 'nobody said yes in time' };
  if (receipt.state !== 'open' && isReplaced(desk, receipt)) return { end: 'nothing', note: 'another took its place' };
  if (receipt.state === 'undoing') return { end: 'undone', note: 'its undo was interrupted, and is finished now' };
  if (receipt.until !== undefined && receipt.until <= desk.now()) return { end: 'undone', note: 'its time was over' };
  const proof = await deedOf(desk, receipt.kind).verify(receipt.memory, desk.carryOut);
  return proof.took
    ? { end: 'done', note: `it was interrupted, but took: ${proof.text}` }
    : { end: 'failed', note: `it was interrupted (${proof.text}), and what had been done of it is undone` };
};

/** Those of one kind with one fate go together: ten thousand blocks that end now are one transaction. */
const close = async (
  desk: Desk,
  kind: ActionKind,
  { end, note }: Fate,
  receipts: readonly Receipt[],
): Promise<Mended[]> => {
  const ids = receipts.map(({ id }) => id);
  try {
    if (end === 'done') {
      desk.receipts.move(ids, end, note);
      closeReplaced(desk, receipts);
    } else if (end === 'nothing') desk.receipts.move(ids, 'undone', note);
    else await takeBack(desk, kind, receipts, end, note);
    return receipts.map((receipt) => ({ receipt, text: note, failed: false }));
  } catch (error) {
    return receipts.map((receipt) => ({ receipt, text: errorWords(error), failed: true }));
  }
};

/** Finishes or undoes what a crash left, and undoes what is over. Call it at the start and every few seconds. */
export const recover = (desk: Desk): Promise<readonly Mended[]> =>
  desk.alone(async () => {
    const mended: Mended[] = [];
    const fated: { receipt: Receipt; fate: Fate }[] = [];
    for (const receipt of [...desk.receipts.inState('open', 'undoing'), ...desk.receipts.due(desk.now())]) {
      try {
        fated.push({ receipt, fate: await fateOf(desk, receipt) });
      } catch (error) {
        mended.push({ receipt, text: errorWords(error), failed: true });
      }
    }
    const groups = Map.groupBy(fated, ({ receipt, fate }) =>
      desk.deeds.get(receipt.kind)?.atOnce === undefined ? receipt.id : `${receipt.kind} ${fate.end} ${fate.note}`,
    );
    for (const group of groups.values()) {
      const [{ receipt, fate } = { receipt: undefined, fate: undefined }] = group;
      if (receipt !== undefined)
        mended.push(
          ...(await close(
            desk,
            receipt.kind,
            fate,
            group.map((each) => each.receipt),
          )),
        );
    }
    return mended;
  });
