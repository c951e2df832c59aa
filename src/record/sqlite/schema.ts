/** The ledger's tables, step by step: the file's `user_version` says how many steps it has taken. A step is never changed. */
import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../model/fault.ts';

const steps: readonly string[] = [
  `CREATE TABLE receipts (
     id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, memory TEXT NOT NULL, state TEXT NOT NULL,
     made INTEGER NOT NULL, until INTEGER, incident TEXT, who TEXT NOT NULL, why TEXT NOT NULL, note TEXT NOT NULL
   ) STRICT;
   CREATE INDEX receipts_by_state ON receipts (state, made);
   CREATE INDEX receipts_by_subject ON receipts (kind, subject, state);
   CREATE INDEX receipts_by_end ON receipts (state, until);
   CREATE TABLE moves (
     receipt TEXT NOT NULL REFERENCES receipts (id), time INTEGER NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL
   ) STRICT;
   CREATE INDEX moves_by_receipt ON moves (receipt, time);`,
  `CREATE TABLE incidents (
     id TEXT PRIMARY KEY, opened INTEGER NOT NULL, closed INTEGER, document TEXT NOT NULL
   ) STRICT;
   CREATE INDEX incidents_by_time ON incidents (opened);
   CREATE INDEX receipts_by_incident ON receipts (incident);
   CREATE TABLE pauses (
     time INTEGER NOT NULL, until INTEGER NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE outbox (
     time INTEGER NOT NULL, channel TEXT NOT NULL, tries INTEGER NOT NULL, document TEXT NOT NULL
   ) STRICT;`,
];

const versionOf = (database: DatabaseSync): number =>
  Number(database.prepare('PRAGMA user_version').get()?.['user_version']);

/** @throws Fault CONFIG when a later Postern wrote the file */
export const migrate = (database: DatabaseSync, file: string): void => {
  const found = versionOf(database);
  if (found > steps.length)
    throw new Fault(
      'CONFIG',
      `${file} was written by a later version of Postern (${found}, this one knows ${steps.length}): upgrade this one`,
    );
  for (let version = found; version < steps.length; version++) {
    database.exec('BEGIN IMMEDIATE');
    // Another process may have taken the step while this one waited.
    if (versionOf(database) === version) database.exec(`${steps[version] ?? ''} PRAGMA user_version = ${version + 1};`);
    database.exec('COMMIT');
  }
};
