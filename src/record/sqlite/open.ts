/** The ledger in one SQLite file (WAL, every commit synced): node:sqlite, nothing to install, nothing to run. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Ledger } from '../ledger.ts';
import { createArchive } from './archive.ts';
import { createIncidentRecords } from './incidents.ts';
import { createOutbox } from './outbox.ts';
import { giveToFolderOwner } from './ownership.ts';
import { createReceipts } from './receipts.ts';
import { migrate } from './schema.ts';
import { guardedFor, prepareWith } from './statement.ts';

/** So long a writer waits for another process's transaction; ours take milliseconds. */
const busyMsMax = 5000;

export const ledgerFile = (directory: string): string => join(directory, 'ledger.sqlite');

/** @throws Fault when the file is damaged, locked for long, or of a later version; what is damaged inside shows when it is read */
export const openLedger = (directory: string): Ledger => {
  const file = ledgerFile(directory);
  const guarded = guardedFor(file);
  const database = guarded(() => {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    return new DatabaseSync(file, { timeout: busyMsMax });
  });
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
  try {
    guarded(() => {
      giveToFolderOwner(file);
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
      migrate(database, file);
    });
    const prepare = prepareWith(database, guarded);
    return {
      receipts: createReceipts(prepare, transact),
      ...createIncidentRecords(prepare, transact),
      ...createOutbox(prepare, transact),
      ...createArchive(prepare, transact),
      close: () => database.close(),
    };
  } catch (error) {
    // An open transaction of a step that failed would lock others out.
    database.close();
    throw error;
  }
};
