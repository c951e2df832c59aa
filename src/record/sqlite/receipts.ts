/** Receipts and their moves. A batch is one transaction: all of it is on disk when the call returns, or none. */
import { actionKinds, receiptStates } from '../../model/receipt.ts';
import type { Memory, Receipt, Receipts } from '../../model/receipt.ts';
import { jsonIn, numberIfAny, numberIn, textIfAny, textIn, wordIn } from './row.ts';
import type { Row } from './row.ts';
import type { Prepare } from './statement.ts';

export const receiptIn = (row: Row): Receipt => ({
  id: textIn(row, 'id'),
  kind: wordIn(row, 'kind', actionKinds),
  subject: textIn(row, 'subject'),
  // What was written there is JSON that `add` made of a Memory.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  memory: jsonIn(row, 'memory') as Memory,
  state: wordIn(row, 'state', receiptStates),
  made: numberIn(row, 'made'),
  until: numberIfAny(row, 'until'),
  incident: textIfAny(row, 'incident'),
  who: textIn(row, 'who'),
  why: textIn(row, 'why'),
  note: textIn(row, 'note'),
});

export const createReceipts = (prepare: Prepare, transact: (work: () => void) => void): Receipts => {
  const insert = prepare(
    'INSERT INTO receipts (id, kind, subject, memory, state, made, until, incident, who, why, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const update = prepare('UPDATE receipts SET state = ?, note = ? WHERE id = ?');
  const journal = prepare('INSERT INTO moves (receipt, time, state, note) VALUES (?, ?, ?, ?)');
  const one = prepare('SELECT * FROM receipts WHERE id = ?');
  // Said, because SQLite would go by state and time: that reads everything in force, for each of ten thousand.
  // By the order they were written in: two may have one time, and a clock may go back.
  const same =
    "SELECT id FROM receipts INDEXED BY receipts_by_subject WHERE kind = ? AND subject = ? AND state = 'done' AND rowid";
  const own = '(SELECT rowid FROM receipts WHERE id = ?)';
  const earlier = prepare(`${same} < ${own} ORDER BY rowid`);
  const later = prepare(`${same} > ${own}`);
  const byState = prepare('SELECT * FROM receipts WHERE state = ? ORDER BY made DESC, rowid DESC');
  const over = prepare("SELECT * FROM receipts WHERE state IN ('done', 'suggested') AND until <= ?");
  const byKind = prepare(
    "SELECT * FROM receipts INDEXED BY receipts_by_subject WHERE kind = ? AND state = 'done' ORDER BY made DESC",
  );
  const countByKind = prepare(
    "SELECT COUNT(*) AS count FROM receipts INDEXED BY receipts_by_subject WHERE kind = ? AND state = 'done'",
  );
  const bySubject = prepare(
    "SELECT * FROM receipts INDEXED BY receipts_by_subject WHERE kind = ? AND subject = ? AND state = 'done' ORDER BY made DESC",
  );
  const byIncident = prepare('SELECT * FROM receipts WHERE incident = ? ORDER BY made DESC, rowid DESC');
  const latest = prepare('SELECT * FROM receipts ORDER BY made DESC, rowid DESC LIMIT ?');

  return {
    add: (receipts) =>
      transact(() => {
        for (const { id, kind, subject, memory, state, made, until, incident, who, why, note } of receipts) {
          const text = JSON.stringify(memory);
          insert.run(id, kind, subject, text, state, made, until ?? null, incident ?? null, who, why, note);
        }
      }),
    move: (ids, state, note) =>
      transact(() => {
        const time = Date.now();
        for (const id of ids) {
          update.run(state, note, id);
          journal.run(id, time, state, note);
        }
      }),
    get: (id) => {
      const row = one.get(id);
      return row === undefined ? undefined : receiptIn(row);
    },
    before: ({ kind, subject, id }) => earlier.all(kind, subject, id).map((row) => textIn(row, 'id')),
    after: ({ kind, subject, id }) => later.all(kind, subject, id).map((row) => textIn(row, 'id')),
    inState: (...states) =>
      states.flatMap((state) => byState.all(state).map(receiptIn)).toSorted((a, b) => b.made - a.made),
    due: (time) => over.all(time).map(receiptIn),
    inForce: (kind, subject) =>
      (subject === undefined ? byKind.all(kind) : bySubject.all(kind, subject)).map(receiptIn),
    countInForce: (kind) => Number(countByKind.get(kind)?.['count']),
    ofIncident: (incident) => byIncident.all(incident).map(receiptIn),
    latest: (countMax) => latest.all(countMax).map(receiptIn),
  };
};
