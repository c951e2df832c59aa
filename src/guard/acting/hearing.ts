/** What a person says on the command line reaches the running guard through the ledger: it is read, and put into the table. */
import { sayByHand } from '../../judge/by-hand.ts';
import type { Table } from '../../judge/statistics/table.ts';
import { keysOf } from '../../model/firewall.ts';
import type { OpenDesk } from '../desk.ts';

/** What is let through, as the table looks for it: clients and networks with their ends in seconds. */
const allowedNow = (desk: OpenDesk): Map<string, number> => {
  const allowed = new Map<string, number>();
  for (const { subject, until } of desk.receipts.inForce('allowance')) {
    const { length, keys } = keysOf(subject);
    for (const key of keys) {
      const name = length === 32 || length === 128 ? key : `${key}/${length}`;
      allowed.set(name, Math.max(allowed.get(name) ?? 0, Math.floor((until ?? 0) / 1000)));
    }
  }
  return allowed;
};

const shutOutNow = (desk: OpenDesk): Map<string, number> =>
  new Map(desk.receipts.inForce('login-shut').map(({ subject, until }) => [subject, Math.floor((until ?? 0) / 1000)]));

/** The end of the latest emergency, seconds since 1970; 0: there is none. */
const strictNow = (desk: OpenDesk): number =>
  Math.max(0, ...desk.receipts.inForce('strict-answers').map(({ until }) => Math.floor((until ?? 0) / 1000)));

/** @returns looks, and tells the table when something is said that was not before */
export const createHearing = (desk: OpenDesk, table: Table): (() => void) => {
  let heard = '';
  let epoch = Math.floor(Date.now() / 1000);
  return () => {
    const pausedUntil = Math.floor((desk.pause.get()?.until ?? 0) / 1000);
    const allowed = allowedNow(desk);
    const shutOut = shutOutNow(desk);
    const strictUntil = strictNow(desk);
    const said = JSON.stringify([pausedUntil, [...allowed], [...shutOut], strictUntil]);
    if (said === heard) return;
    heard = said;
    sayByHand(table, { pausedUntil, allowed, shutOut, strictUntil }, ++epoch, Math.floor(Date.now() / 1000));
  };
};
