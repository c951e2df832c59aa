/** All that the ledger holds, as a stream; and what it forgets. What is in force, open or waits for a yes is never forgotten. */
import type { Ledger, LedgerEntry } from '../ledger.ts';
import { incidentIn } from './incidents.ts';
import { receiptIn } from './receipts.ts';
import { numberIn, textIn } from './row.ts';
import type { Prepare } from './statement.ts';

/** In one transaction: whoever acts meanwhile waits no longer than a few milliseconds. */
const batchMax = 2000;

const isClosed = "state IN ('undone', 'failed')";
const ended = 'coalesce((SELECT max(time) FROM moves WHERE receipt = receipts.id), made)';

export const createArchive = (prepare: Prepare, transact: (work: () => void) => void): Pick<Ledger, 'archive'> => {
  const receipts = prepare('SELECT * FROM receipts ORDER BY made, rowid');
  const movesOf = prepare('SELECT time, state, note FROM moves WHERE receipt = ? ORDER BY time, rowid');
  const incidents = prepare('SELECT document FROM incidents ORDER BY opened, rowid');
  const pauses = prepare('SELECT time, until, who, why FROM pauses ORDER BY rowid');

  function* entries(): Generator<LedgerEntry> {
    for (const row of incidents.iterate()) yield { entry: 'incident', ...incidentIn(row) };
    for (const row of receipts.iterate()) {
      const receipt = receiptIn(row);
      const moves = movesOf.all(receipt.id).map((move) => ({
        time: numberIn(move, 'time'),
        state: textIn(move, 'state'),
        note: textIn(move, 'note'),
      }));
      yield { entry: 'action', ...receipt, moves };
    }
    for (const row of pauses.iterate())
      yield {
        entry: 'pause',
        time: numberIn(row, 'time'),
        until: numberIn(row, 'until'),
        who: textIn(row, 'who'),
        why: textIn(row, 'why'),
      };
  }

  const old = prepare(`SELECT id FROM receipts WHERE ${isClosed} AND made < ?1 AND ${ended} < ?1 LIMIT ${batchMax}`);
  const count = prepare(`SELECT count(*) AS count FROM receipts WHERE ${isClosed}`);
  const tooMany = prepare(
    `SELECT id FROM receipts WHERE ${isClosed} ORDER BY made DESC, rowid DESC LIMIT ${batchMax} OFFSET ?`,
  );
  const dropMoves = prepare('DELETE FROM moves WHERE receipt = ?');
  const drop = prepare('DELETE FROM receipts WHERE id = ?');
  const dropIncidents = prepare(
    'DELETE FROM incidents WHERE closed < ? AND NOT EXISTS (SELECT 1 FROM receipts WHERE incident = incidents.id)',
  );
  // The last one says whether there is a pause now.
  const dropPauses = prepare('DELETE FROM pauses WHERE time < ? AND rowid < (SELECT max(rowid) FROM pauses)');

  return {
    archive: {
      entries,
      forget: ({ before, receiptsMax }) => {
        const isTooMany = numberIn(count.get() ?? {}, 'count') > receiptsMax;
        const rows = [...old.all(before), ...(isTooMany ? tooMany.all(receiptsMax) : [])].slice(0, batchMax);
        const ids = new Set(rows.map((row) => textIn(row, 'id')));
        transact(() => {
          for (const id of ids) {
            dropMoves.run(id);
            drop.run(id);
          }
          dropIncidents.run(before);
          dropPauses.run(before);
        });
        return ids.size;
      },
    },
  };
};
