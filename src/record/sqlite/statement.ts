/** Prepared statements whose failures are told with the file that they are about: a damaged one shows itself when it is read, too. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { Fault } from '../../model/fault.ts';
import type { Row } from './row.ts';

type Statement = {
  readonly all: (...values: readonly SQLInputValue[]) => readonly Row[];
  readonly get: (...values: readonly SQLInputValue[]) => Row | undefined;
  readonly iterate: (...values: readonly SQLInputValue[]) => Iterable<Row>;
  /** @returns the row that was written last */
  readonly run: (...values: readonly SQLInputValue[]) => number;
};
export type Prepare = (sql: string) => Statement;

/** Runs it; what SQLite or the system says against it becomes a Fault. */
export type Guarded = <T>(work: () => T) => T;

export const guardedFor =
  (file: string): Guarded =>
  (work) => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Error && ('errcode' in error || 'syscall' in error))) throw error;
      throw new Fault(
        'PARTLY_DONE',
        `the ledger ${file} cannot be used (${error.message}): look at its disk and its rights (sudo?); when it is damaged, move it away or restore a copy`,
        { cause: error },
      );
    }
  };

export const prepareWith =
  (database: DatabaseSync, guarded: Guarded): Prepare =>
  (sql) => {
    const statement = guarded(() => database.prepare(sql));
    return {
      all: (...values) => guarded(() => statement.all(...values)),
      get: (...values) => guarded(() => statement.get(...values)),
      *iterate(...values) {
        const rows = guarded(() => statement.iterate(...values));
        for (let step = guarded(() => rows.next()); step.done !== true; step = guarded(() => rows.next()))
          yield step.value;
      },
      run: (...values) => Number(guarded(() => statement.run(...values)).lastInsertRowid),
    };
  };
