/**
 * Locks an account out of sending: what it hands in is accepted and held, never refused with 4xx, for its client would try
 * for ever. The receipt itself is the lock: the guard reads it and its hooks obey. Undone: unlocked.
 */
import type { Act } from './act.ts';

export type AccountWanted = { readonly account: string };

export const accountLock: Act<AccountWanted> = {
  kind: 'account-lock',
  renews: true,
  plan: ({ account }) => {
    const subject = account.toLowerCase();
    return Promise.resolve({
      subject,
      lines: [`hold all mail that ${subject} hands in`],
      memory: { account: subject },
    });
  },
  carry: () => Promise.resolve(),
  verify: () => Promise.resolve({ took: true, text: 'new mail is accepted and held' }),
  undo: () => Promise.resolve(''),
};
