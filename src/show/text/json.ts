/**
 * Reports and events as JSON (DESIGN §7): times in ISO 8601 with offset, text decoded, absent fields left out, nothing
 * in it that could drive a terminal.
 */
import type { Event } from '../../model/event.ts';
import type { Incident, Report } from '../../model/report.ts';
import { decoded, plainJson } from './plain.ts';
import { isoTime } from './time.ts';

const timeFields = new Set(
  'time from to first last opened recognised closed made until confirmBy hostileUntil'.split(' '),
);

const replacer = (key: string, value: unknown): unknown => {
  if (typeof value === 'number' && timeFields.has(key)) return isoTime(value);
  return typeof value === 'string' ? decoded(value) : value;
};

const written = (value: unknown, indent?: number): string => plainJson(JSON.stringify(value, replacer, indent));

const incidentDocument = (incident: Incident): object => ({
  ...incident,
  closed: incident.closed ?? null,
});

/** Where the incidents stand in the document: no text in it can hold a line feed. */
const noIncidents = '\n  "incidents": []';

/** The document in pieces of whole lines, each incident one: with a hundred thousand actors the whole of it is large. */
export function* reportJson(report: Report, top: number): Generator<string> {
  const frame = written(
    {
      ...report,
      incidents: [],
      offenders: report.offenders.slice(0, top),
      networks: report.networks.slice(0, top),
      accounts: report.accounts.slice(0, top),
      domains: report.domains.slice(0, top),
      senders: report.senders.slice(0, top),
    },
    2,
  );
  const last = report.incidents.length - 1;
  if (last < 0) return yield frame;
  const at = frame.indexOf(noIncidents);
  yield `${frame.slice(0, at)}${noIncidents.slice(0, -1)}`;
  for (const [index, incident] of report.incidents.entries()) {
    const text = written(incidentDocument(incident), 2).replaceAll('\n', '\n    ');
    yield `    ${text}${index === last ? '' : ','}`;
  }
  yield `  ]${frame.slice(at + noIncidents.length)}`;
}

/** The same on one line. */
export const jsonLine = (value: unknown): string => written(value);

export const anyJson = (value: unknown): string => written(value, 2);

/** The contract's fields first, then what else is known; the null reverse-path is "". */
export const eventJson = (event: Event): string => {
  const { time, server, kind, outcome, client, account, sender, recipient, queueId, session, text, ...rest } = event;
  const known = {
    time: isoTime(time),
    server,
    kind,
    outcome,
    client,
    account,
    sender,
    recipient,
    queueId,
    session,
    text,
  };
  return written({ ...known, ...rest });
};
