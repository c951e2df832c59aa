/**
 * Carries out acts so that a crash at any moment leaves nothing unknown: the receipt is on disk before the deed begins,
 * and whoever acts next finds what is open (`recover.ts`).
 */
import { randomInt } from 'node:crypto';
import { Fault, errorWords } from '../model/fault.ts';
import type { ActionKind, Memory, Receipt } from '../model/receipt.ts';
import type { CarryOut } from '../model/verb.ts';
import type { Act, Deed, Plan, Proof } from './act.ts';
import { closeReplaced, takeBack } from './desk.ts';
import type { Desk } from './desk.ts';

export type Order = {
  readonly who: string;
  readonly why: string;
  readonly until: number | undefined;
  readonly incident: string | undefined;
};

export type Done = {
  readonly plan: Plan;
  /** Undefined: there was nothing to do. */
  readonly receipt: Receipt | undefined;
};

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const anyId = (): string => `A${Array.from({ length: 5 }, () => alphabet[randomInt(32)] ?? '').join('')}`;

/** Short enough to be told by telephone, so now and then one is taken. */
const freshId = (desk: Desk, taken: Set<string>): string => {
  let id = anyId();
  while (taken.has(id) || desk.receipts.get(id) !== undefined) id = anyId();
  taken.add(id);
  return id;
};

type Tried = { readonly proofs: readonly Proof[]; readonly error?: unknown };

const verifyAll = (deed: Deed, memories: readonly Memory[], carryOut: CarryOut): Promise<readonly Proof[]> =>
  deed.atOnce?.verify(memories, carryOut) ?? Promise.all(memories.map((memory) => deed.verify(memory, carryOut)));

const tryDeed = async (deed: Deed, memories: readonly Memory[], carryOut: CarryOut): Promise<Tried> => {
  try {
    if (deed.atOnce !== undefined) await deed.atOnce.carry(memories, carryOut);
    else for (const memory of memories) await deed.carry(memory, carryOut);
    return { proofs: await verifyAll(deed, memories, carryOut) };
  } catch (error) {
    return { proofs: memories.map(() => ({ took: false, text: errorWords(error) })), error };
  }
};

/** What did not take is undone, and the failure told. */
const giveUp = async (desk: Desk, failed: readonly Receipt[], text: string, cause: unknown): Promise<never> => {
  const [first] = failed;
  const ids = failed.map(({ id }) => id).join(' ');
  try {
    if (first !== undefined) await takeBack(desk, first.kind, failed, 'failed', text);
  } catch (error) {
    throw new Fault(
      'PARTLY_DONE',
      `${text}; and undoing it failed too (${errorWords(error)}): it is tried again, or postern undo ${ids}`,
      { cause: error },
    );
  }
  const code = cause instanceof Fault ? cause.code : 'PARTLY_DONE';
  throw new Fault(code, `${text}; what had been done of it was undone (${ids})`, { cause });
};

/** One order for all, or one each. */
type Orders = Order | readonly Order[];

const isList = (orders: Orders): orders is readonly Order[] => Array.isArray(orders);

/** Written down; nothing is done yet. */
const writeDown = (
  kind: ActionKind,
  plans: readonly Plan[],
  orders: Orders,
  state: 'open' | 'suggested',
  desk: Desk,
): readonly Done[] => {
  const made = desk.now();
  const taken = new Set<string>();
  const done = plans.map((plan, at): Done => {
    const { lines, subject, memory } = plan;
    const order = isList(orders) ? orders[at] : orders;
    if (lines.length === 0 || order === undefined) return { plan, receipt: undefined };
    const id = freshId(desk, taken);
    return { plan, receipt: { id, kind, subject, memory, state, made, note: '', ...order } };
  });
  desk.receipts.add(done.flatMap(({ receipt }) => receipt ?? []));
  return done;
};

const carryPlans = async <Wanted>(
  act: Act<Wanted>,
  plans: readonly Plan[],
  orders: Orders,
  desk: Desk,
): Promise<readonly Done[]> => {
  const done = writeDown(act.kind, plans, orders, 'open', desk);
  const receipts = done.flatMap(({ receipt }) => receipt ?? []);
  if (receipts.length === 0) return done;
  const { proofs, error } = await tryDeed(
    act,
    receipts.map(({ memory }) => memory),
    desk.carryOut,
  );
  const took = receipts.filter((_, at) => proofs[at]?.took === true);
  const text = proofs.find((proof) => proof.took === (took.length === receipts.length))?.text ?? 'nothing answered';
  if (took.length > 0)
    desk.receipts.move(
      took.map(({ id }) => id),
      'done',
      proofs.find((proof) => proof.took)?.text ?? '',
    );
  closeReplaced(desk, took);
  const failed = receipts.filter((receipt) => !took.includes(receipt));
  if (failed.length > 0) return giveUp(desk, failed, text, error);
  return done.map(({ plan, receipt }) => ({ plan, receipt: receipt && { ...receipt, state: 'done', note: text } }));
};

/** Looks and changes nothing. @throws Fault when one of them must not or cannot be done */
export const planAll = async <Wanted>(
  act: Act<Wanted>,
  wanted: readonly Wanted[],
  carryOut: CarryOut,
): Promise<readonly Plan[]> => {
  await act.ready?.(carryOut);
  const plans: Plan[] = [];
  for (const each of wanted) plans.push(await act.plan(each, carryOut));
  return plans;
};

/** @throws Fault when one must not be done (then none is), or did not take: then that one was undone */
export const performAll = <Wanted>(
  act: Act<Wanted>,
  wanted: readonly Wanted[],
  orders: Orders,
  desk: Desk,
): Promise<readonly Done[]> =>
  desk.alone(async () => carryPlans(act, await planAll(act, wanted, desk.carryOut), orders, desk));

/** Plans, and waits for somebody's yes. */
export const suggestAll = <Wanted>(
  act: Act<Wanted>,
  wanted: readonly Wanted[],
  orders: Orders,
  desk: Desk,
): Promise<readonly Done[]> =>
  desk.alone(async () => writeDown(act.kind, await planAll(act, wanted, desk.carryOut), orders, 'suggested', desk));

/** @throws Fault when it must not be done, or did not take: then it was undone */
export const perform = async <Wanted>(act: Act<Wanted>, wanted: Wanted, order: Order, desk: Desk): Promise<Done> => {
  const [done] = await performAll(act, [wanted], order, desk);
  if (done === undefined) throw new Error('one wanted, none done');
  return done;
};
