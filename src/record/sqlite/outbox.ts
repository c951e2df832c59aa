/** Notices that have not been taken yet: written before the first attempt, gone when somebody took them. */
import type { DatabaseSync } from 'node:sqlite';
import type { Ledger } from '../ledger.ts';
import { numberIn, textIn } from './row.ts';

/** Older ones make room: whoever could not be reached for so many is told by the newest. */
const keptMax = 1000;

export const createOutbox = (database: DatabaseSync, transact: (work: () => void) => void): Pick<Ledger, 'outbox'> => {
  const insert = database.prepare('INSERT INTO outbox (time, channel, tries, document) VALUES (?, ?, 0, ?)');
  const trim = database.prepare(
    'DELETE FROM outbox WHERE rowid <= (SELECT rowid FROM outbox ORDER BY rowid DESC LIMIT 1 OFFSET ?)',
  );
  const tried = database.prepare('UPDATE outbox SET tries = tries + 1 WHERE rowid = ?');
  const remove = database.prepare('DELETE FROM outbox WHERE rowid = ?');
  const all = database.prepare('SELECT rowid AS id, time, channel, tries, document FROM outbox ORDER BY rowid');
  return {
    outbox: {
      add: (channel, document) => {
        let id = 0;
        transact(() => {
          id = Number(insert.run(Date.now(), channel, document).lastInsertRowid);
          trim.run(keptMax);
        });
        return id;
      },
      tried: (id) => transact(() => void tried.run(id)),
      remove: (id) => transact(() => void remove.run(id)),
      waiting: () =>
        all.all().map((row) => ({
          id: numberIn(row, 'id'),
          time: numberIn(row, 'time'),
          channel: textIn(row, 'channel'),
          tries: numberIn(row, 'tries'),
          document: textIn(row, 'document'),
        })),
    },
  };
};
