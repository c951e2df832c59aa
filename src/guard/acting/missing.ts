/**
 * Maps, accounts and configurations may be edited by whoever owns them. What somebody has taken out of them is said, once,
 * and left so; what the guard repairs by itself (`act/repair.ts`) is not asked here.
 */
import { drift } from '../../act/drift.ts';
import type { OpenDesk } from '../desk.ts';

export const createMissing = (desk: OpenDesk, say: (text: string) => void, isStopping: () => boolean) => {
  const kinds = [...desk.deeds].flatMap(([kind, { repairs, drifts }]) =>
    drifts === 'watched' && repairs !== true ? kind : [],
  );
  let missed = new Set<string>();
  return async (): Promise<void> => {
    const found = await drift(desk, kinds, isStopping);
    for (const { receipt, text } of found) {
      const { id, kind, subject } = receipt;
      if (!missed.has(id))
        say(`${id} ${kind} ${subject} is not in force any more (${text}): do it again, or postern undo ${id}`);
    }
    missed = new Set(found.map(({ receipt }) => receipt.id));
  };
};
