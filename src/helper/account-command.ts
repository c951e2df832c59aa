/**
 * The program that root's configuration names for accounts of another user store (SQL, LDAP): its own arguments, then
 * `lock`, `unlock` or `status`, then the account. What is in the configuration is root's word; the account is hostile.
 */
import { lstatSync } from 'node:fs';
import { Fault } from '../model/fault.ts';
import type { AccountDeed, Ran } from '../model/verb.ts';
import type { Allowance } from './allowance.ts';
import { runAt } from './run-program.ts';

/** It begins with no `-`, so it is no option of any program. */
const accountPattern = /^[A-Za-z0-9_][A-Za-z0-9_.+@=-]{0,250}$/;
const writableByOthers = 0o022;

const refuse = (text: string): never => {
  throw new Fault('REFUSED_FOR_SAFETY', text);
};

/** @returns undefined when none is configured */
export const accountCommand = async (
  does: AccountDeed,
  account: string,
  { accountCommand: command }: Allowance,
): Promise<Ran | undefined> => {
  const [place, ...args] = command ?? [];
  if (place === undefined) return undefined;
  if (!accountPattern.test(account)) return refuse('the helper is told no such account');
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) throw new Fault('CONFIG', `accounts.command: ${place} is no plain file`);
  const isOurs = stat.uid === 0 || stat.uid === process.getuid?.();
  if (!isOurs || (stat.mode & writableByOthers) !== 0)
    return refuse(`accounts.command: ${place} must belong to root, and nobody else may write to it`);
  return runAt(place, [...args, does, account]);
};
