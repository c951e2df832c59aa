/** One guard at a time runs on a state directory; whoever else looks sees whether one does. */
import { accessSync, constants } from 'node:fs';
import { join, resolve } from 'node:path';
import { Fault } from '../model/fault.ts';
import { tryLock } from '../record/sqlite/lock.ts';

/** Whoever looks holds the lock himself, for a moment; on a busy machine he may be stopped in it. */
const glanceMs = 3000;

const lockFile = (state: string): string => join(resolve(state), 'guard.lock');

/** @returns what gives it free. @throws Fault CONFIG when another guard runs on this state */
export const lockState = (state: string): (() => void) => {
  const release = tryLock(lockFile(state), glanceMs);
  if (release === undefined)
    throw new Fault('CONFIG', `another guard runs on ${state}: stop it, or give this one another --state`);
  return release;
};

/** @returns undefined when this user may not know */
export const isGuardOn = (state: string): boolean | undefined => {
  try {
    accessSync(lockFile(state), constants.W_OK);
    const release = tryLock(lockFile(state));
    release?.();
    return release === undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? false : undefined;
  }
};
