/** Incidents as documents, beside the few columns they are looked for by; and whether there is a pause. */
import type { Incident } from '../../model/report.ts';
import type { Ledger } from '../ledger.ts';
import { jsonIn, numberIn, textIn } from './row.ts';
import type { Row } from './row.ts';
import type { Prepare } from './statement.ts';

/** Of a crowd so many actors are kept one by one; the others are in `actorCount`. */
const actorsKeptMax = 2000;

export const incidentIn = (row: Row): Incident => {
  // What was written there is JSON that `save` made of an Incident; JSON leaves out what is undefined.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const document = jsonIn(row, 'document') as Incident;
  return { ...document, closed: document.closed, campaign: document.campaign };
};

export const createIncidentRecords = (
  prepare: Prepare,
  transact: (work: () => void) => void,
): Pick<Ledger, 'incidents' | 'pause'> => {
  const upsert = prepare(
    `INSERT INTO incidents (id, opened, closed, document) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET opened = excluded.opened, closed = excluded.closed, document = excluded.document`,
  );
  const one = prepare('SELECT document FROM incidents WHERE id = ?');
  const notClosed = prepare('SELECT document FROM incidents WHERE closed IS NULL ORDER BY opened DESC');
  const newest = prepare('SELECT document FROM incidents ORDER BY opened DESC LIMIT ?');
  const paused = prepare('SELECT until, who, why FROM pauses ORDER BY rowid DESC LIMIT 1');
  const pauseAt = prepare('INSERT INTO pauses (time, until, who, why) VALUES (?, ?, ?, ?)');
  return {
    incidents: {
      save: (incidents) =>
        transact(() => {
          for (const incident of incidents) {
            const document = JSON.stringify({ ...incident, actors: incident.actors.slice(0, actorsKeptMax) });
            upsert.run(incident.id, incident.opened, incident.closed ?? null, document);
          }
        }),
      get: (id) => {
        const row = one.get(id);
        return row === undefined ? undefined : incidentIn(row);
      },
      open: () => notClosed.all().map(incidentIn),
      latest: (countMax) => newest.all(countMax).map(incidentIn),
    },
    pause: {
      get: () => {
        const row = paused.get();
        if (row === undefined || numberIn(row, 'until') <= Date.now()) return undefined;
        return { until: numberIn(row, 'until'), who: textIn(row, 'who'), why: textIn(row, 'why') };
      },
      set: (pause) =>
        transact(() => {
          pauseAt.run(Date.now(), pause?.until ?? 0, pause?.who ?? '', pause?.why ?? '');
        }),
    },
  };
};
