/** Notices that have not been taken yet: written before the first attempt, gone when somebody took them. */
import type { Ledger } from '../ledger.ts';
import { numberIn, textIn } from './row.ts';
import type { Prepare } from './statement.ts';

/** Older ones make room: whoever could not be reached for so many is told by the newest. */
const keptMax = 1000;

export const createOutbox = (prepare: Prepare, transact: (work: () => void) => void): Pick<Ledger, 'outbox'> => {
  const insert = prepare('INSERT INTO outbox (time, channel, tries, document) VALUES (?, ?, 0, ?)');
  const trim = prepare(
    'DELETE FROM outbox WHERE rowid <= (SELECT rowid FROM outbox ORDER BY rowid DESC LIMIT 1 OFFSET ?)',
  );
  const tried = prepare('UPDATE outbox SET tries = tries + 1 WHERE rowid = ?');
  const remove = prepare('DELETE FROM outbox WHERE rowid = ?');
  const all = prepare('SELECT rowid AS id, time, channel, tries, document FROM outbox ORDER BY rowid');
  return {
    outbox: {
      add: (channel, document) => {
        let id = 0;
        transact(() => {
          id = insert.run(Date.now(), channel, document);
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
