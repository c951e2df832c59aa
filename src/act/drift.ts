/** What is in force by the ledger, asked of the thing itself: somebody may have taken it away, or edited it. Nothing is changed. */
import { errorWords } from '../model/fault.ts';
import type { ActionKind, Receipt } from '../model/receipt.ts';
import type { Proof } from './act.ts';
import { deedOf } from './desk.ts';
import type { Desk } from './desk.ts';

/** A program may be asked for each: of more, the newest. */
const askedMax = 500;
/** Others who act are let in between. */
const atOnceMax = 50;

export type Drift = { readonly receipt: Receipt; readonly text: string };

const inForceNow = (desk: Desk, receipts: readonly Receipt[]): readonly Receipt[] =>
  receipts.flatMap(({ id }) => {
    const now = desk.receipts.get(id);
    return now?.state === 'done' && (now.until ?? Infinity) > desk.now() ? now : [];
  });

const ask = async (desk: Desk, kind: ActionKind, receipts: readonly Receipt[]): Promise<readonly Proof[]> => {
  const { atOnce, verify } = deedOf(desk, kind);
  try {
    const memories = receipts.map(({ memory }) => memory);
    if (atOnce !== undefined) return await atOnce.verify(memories, desk.carryOut);
    const proofs: Proof[] = [];
    for (const memory of memories) proofs.push(await verify(memory, desk.carryOut));
    return proofs;
  } catch (error) {
    return receipts.map(() => ({ took: false, text: errorWords(error) }));
  }
};

/** @param isEnough asked now and then: true ends it with what is found so far */
export const drift = async (
  desk: Desk,
  kinds: Iterable<ActionKind> = desk.deeds.keys(),
  isEnough: () => boolean = () => false,
): Promise<readonly Drift[]> => {
  const found: Drift[] = [];
  for (const kind of kinds) {
    const { drifts, atOnce } = deedOf(desk, kind);
    const wanted = drifts !== undefined ? desk.receipts.inForce(kind).slice(0, askedMax) : [];
    const step = atOnce === undefined ? 1 : atOnceMax;
    for (let at = 0; at < wanted.length && !isEnough(); at += step)
      await desk.alone(async () => {
        const receipts = inForceNow(desk, wanted.slice(at, at + step));
        const proofs = receipts.length === 0 ? [] : await ask(desk, kind, receipts);
        for (const [place, receipt] of receipts.entries()) {
          const proof = proofs[place];
          if (proof?.took !== true) found.push({ receipt, text: proof?.text ?? 'nothing answered' });
        }
      });
  }
  return found;
};
