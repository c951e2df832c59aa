/** The ledger in one SQLite file (WAL, every commit synced): node:sqlite, nothing to install, nothing to run. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../model/fault.ts';
import type { Ledger } from '../ledger.ts';
import { createArchive } from './archive.ts';
import { createIncidentRecords } from './incidents.ts';
import { createOutbox } from './outbox.ts';
import { createReceipts } from './receipts.ts';
import { giveToFolderOwner } from './ownership.ts';
import { migrate } from './schema.ts';

/** So long a writer waits for another process's transaction; ours take milliseconds. */
const busyMsMax = 5000;

const asFault = (error: unknown, file: string): unknown =>
  error instanceof Error && ('errcode' in error || 'syscall' in error)
    ? new Fault(
        'PARTLY_DONE',
        `the ledger ${file} cannot be used (${error.message}): look at its disk and its rights (sudo?); when it is damaged, move it away or restore a copy`,
        { cause: error },
      )
    : error;

export const ledgerFile = (directory: string): string => join(directory, 'ledger.sqlite');

/** @throws Fault when the file is damaged, locked for long, or of a later version */
export const openLedger = (directory: string): Ledger => {
  const file = ledgerFile(directory);
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw asFault(error, file);
    }
  };
  return guarded(() => {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    const database = new DatabaseSync(file, { timeout: busyMsMax });
    giveToFolderOwner(file);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    migrate(database, file);
    const transact = (work: () => void): void =>
      guarded(() => {
        database.exec('BEGIN IMMEDIATE');
        try {
          work();
          database.exec('COMMIT');
        } catch (error) {
          if (database.isTransaction) database.exec('ROLLBACK');
          throw error;
        }
      });
    return {
      receipts: createReceipts(database, transact),
      ...createIncidentRecords(database, transact),
      ...createOutbox(database, transact),
      ...createArchive(database, transact),
      close: () => database.close(),
    };
  });
};
