/**
 * A lock between processes that the kernel takes back from whoever dies: an exclusive transaction on a file of its own
 * (SQLite locks with fcntl(2); Node has no call for it).
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault, errorWords } from '../../model/fault.ts';
import { giveToFolderOwner } from './ownership.ts';

const busyCode = 5;

/** @param waitMs for somebody else to release it. @returns what releases it; undefined: somebody else holds it */
export const tryLock = (file: string, waitMs = 0): (() => void) | undefined => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
  const database = new DatabaseSync(file, { timeout: waitMs });
  try {
    // Nothing of it goes to disk, so that a full one is no obstacle.
    giveToFolderOwner(file);
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return () => database.close();
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === busyCode) return undefined;
    const words = errorWords(error);
    throw new Fault('PARTLY_DONE', `the lock ${file} cannot be taken (${words}): look at its disk and its rights`, {
      cause: error,
    });
  }
};
