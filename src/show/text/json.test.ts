import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Incident, Report } from '../../model/report.ts';
import { anyJson, reportJson } from './json.ts';

const incident = (id: string): Incident => ({
  id,
  attack: 'dictionary',
  standing: 'hostile',
  opened: 0,
  recognised: 1000,
  last: 2000,
  closed: undefined,
  distributed: false,
  eventsBeforeRecognition: 5,
  actors: [{ kind: 'client', value: '192.0.2.1', events: 5, first: 0, last: 2000 }],
  actorCount: 1,
  targets: [],
  counts: { unknownRecipients: 5 },
  why: 'a text of\n  "incidents": [],\n  more lines',
  advice: [],
  campaign: undefined,
});

const report = (incidents: readonly Incident[]): Report => ({
  version: 1,
  input: { from: 0, to: 2000, lines: 1, events: 1, unmatched: 0, bytes: 1, files: [] },
  incidents,
  offenders: [],
  networks: [],
  accounts: [
    {
      account: '\n  "incidents": []',
      messages: 1,
      recipients: 1,
      invalidRecipients: 0,
      clients: 1,
      authFailures: 0,
      standing: 'unknown',
    },
  ],
  domains: [],
  senders: [],
});

test('every time of an incident is ISO 8601, its end too', () => {
  const { opened, closed } = JSON.parse(anyJson({ ...incident('A'), closed: 3000 }));
  for (const time of [opened, closed]) assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d$/);
});

test('a document in pieces is the document', () => {
  for (const ids of [[], ['A'], ['A', 'B', 'C']]) {
    const text = [...reportJson(report(ids.map(incident)), 10)].join('\n');
    const read: unknown = JSON.parse(text);
    assert.equal(text, JSON.stringify(read, undefined, 2), 'indented as a whole');
    assert.ok(typeof read === 'object' && read !== null && 'incidents' in read && Array.isArray(read.incidents));
    assert.deepEqual(Object.keys(read), Object.keys(report([])));
    assert.deepEqual(
      read.incidents.map((each: { id: string }) => each.id),
      ids,
    );
  }
});
