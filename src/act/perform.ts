/**
 * Carries out acts so that a crash at any moment leaves nothing unknown: the receipt is on disk before the deed begins,
 * and whoever acts next finds what is open, looks whether it took, and undoes it when it did not.
 */
import { randomInt } from 'node:crypto';
import { Fault } from '../model/fault.ts';
import type { ActionKind, Memory, Receipt, Receipts } from '../model/receipt.ts';
import type { CarryOut } from '../model/verb.ts';
import type { Act, Deed, Plan, Proof } from './act.ts';

/** What acting needs. */
export type Desk = {
  readonly receipts: Receipts;
  readonly carryOut: CarryOut;
  readonly deeds: ReadonlyMap<ActionKind, Deed>;
  /** One deed at a time on this machine: what is open while this runs is left from a crash. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export type Order = {
  readonly who: string;
  readonly why: string;
  readonly until: number | undefined;
  readonly incident: string | undefined;
};

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const newId = (): string => `A${Array.from({ length: 5 }, () => alphabet[randomInt(32)] ?? '').join('')}`;

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const codeOf = (error: unknown): Fault['code'] => (error instanceof Fault ? error.code : 'PARTLY_DONE');

const deedOf = (desk: Desk, { id, kind }: Receipt): Deed => {
  const deed = desk.deeds.get(kind);
  if (deed === undefined) throw new Fault('PARTLY_DONE', `${id}: this Postern does not know actions of kind ${kind}`);
  return deed;
};

/** Undoes what an open or done receipt stands for; it stays `undoing` when that fails, and is tried again. */
const takeBack = async (desk: Desk, receipt: Receipt, end: 'undone' | 'failed', note: string): Promise<string> => {
  const deed = deedOf(desk, receipt);
  desk.receipts.move([receipt.id], 'undoing', note);
  const kept = await deed.undo(receipt.memory, desk.carryOut);
  desk.receipts.move([receipt.id], end, kept === '' ? note : `${note}; ${kept}`);
  return kept;
};

const tryDeed = async (deed: Deed, memory: Memory, carryOut: CarryOut): Promise<Proof & { error?: unknown }> => {
  try {
    await deed.carry(memory, carryOut);
    return await deed.verify(memory, carryOut);
  } catch (error) {
    return { took: false, text: wordsOf(error), error };
  }
};

export type Done = {
  readonly plan: Plan;
  /** Undefined: there was nothing to do. */ readonly receipt: Receipt | undefined;
};

/** @throws Fault when it must not be done, or did not take: then it was undone */
export const perform = <Wanted>(act: Act<Wanted>, wanted: Wanted, order: Order, desk: Desk): Promise<Done> =>
  desk.alone(async () => {
    const plan = await act.plan(wanted, desk.carryOut);
    if (plan.lines.length === 0) return { plan, receipt: undefined };
    const { subject, memory } = plan;
    const receipt: Receipt = {
      id: newId(),
      kind: act.kind,
      subject,
      memory,
      state: 'open',
      made: desk.now(),
      note: '',
      ...order,
    };
    desk.receipts.add([receipt]);
    const proof = await tryDeed(act, memory, desk.carryOut);
    if (proof.took) {
      desk.receipts.move([receipt.id], 'done', proof.text);
      return { plan, receipt: { ...receipt, state: 'done', note: proof.text } };
    }
    try {
      await takeBack(desk, receipt, 'failed', proof.text);
    } catch (error) {
      throw new Fault(
        'PARTLY_DONE',
        `${proof.text}; and undoing it failed too (${wordsOf(error)}): it is tried again, or postern undo ${receipt.id}`,
        { cause: error },
      );
    }
    throw new Fault(codeOf(proof.error), `${proof.text}; what had been done of it was undone (${receipt.id})`, {
      cause: proof.error,
    });
  });

/** @returns what was kept of edits made meanwhile, or '' */
export const undo = (id: string, who: string, desk: Desk): Promise<string> =>
  desk.alone(async () => {
    const receipt = desk.receipts.get(id);
    if (receipt === undefined) throw new Fault('USAGE', `there is no action ${id} (postern actions)`);
    if (receipt.state === 'undone' || receipt.state === 'failed')
      throw new Fault('USAGE', `${id} is ${receipt.state} already: ${receipt.note}`);
    return takeBack(desk, receipt, 'undone', `undone by ${who}`);
  });

/** What became of one receipt. */
export type Mended = { readonly receipt: Receipt; readonly text: string; readonly failed: boolean };

const mend = async (desk: Desk, receipt: Receipt): Promise<string | undefined> => {
  if (receipt.state === 'undoing') {
    await takeBack(desk, receipt, 'undone', 'the undo was interrupted, and is finished now');
    return 'its undo was interrupted, and is finished now';
  }
  if (receipt.until !== undefined && receipt.until <= desk.now()) {
    await takeBack(desk, receipt, 'undone', 'its time was over');
    return 'its time was over: undone';
  }
  if (receipt.state !== 'open') return undefined;
  const proof = await deedOf(desk, receipt).verify(receipt.memory, desk.carryOut);
  if (proof.took) {
    desk.receipts.move([receipt.id], 'done', `interrupted after it took: ${proof.text}`);
    return 'it was interrupted, but took';
  }
  await takeBack(desk, receipt, 'failed', `interrupted: ${proof.text}`);
  return 'it was interrupted: what had been done of it is undone';
};

/** Finishes or undoes what a crash left, and undoes what is over. Call it at the start and every few seconds. */
export const recover = (desk: Desk): Promise<readonly Mended[]> =>
  desk.alone(async () => {
    const mended: Mended[] = [];
    for (const receipt of [...desk.receipts.inState('open', 'undoing'), ...desk.receipts.due(desk.now())]) {
      try {
        const text = await mend(desk, receipt);
        if (text !== undefined) mended.push({ receipt, text, failed: false });
      } catch (error) {
        mended.push({ receipt, text: wordsOf(error), failed: true });
      }
    }
    return mended;
  });
