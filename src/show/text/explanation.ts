/** `postern explain` for people. */
import type { Explanation } from '../../model/explanation.ts';
import { incidentLines } from './incident.ts';
import { plain } from './plain.ts';
import type { Style } from './style.ts';
import { counted, table } from './table.ts';
import { localTime } from './time.ts';

const signed = (nats: number): string => `${nats < 0 ? '' : '+'}${nats.toFixed(2)}`;

export const explanationLines = (explanation: Explanation, style: Style): readonly string[] => {
  const { subject, kind, standing, events, first, last, terms, history, incidents } = explanation;
  const span = first === undefined || last === undefined ? '' : `, ${localTime(first)} to ${localTime(last)}`;
  const head = `${style.strong(plain(subject))}  ${kind}, ${standing}: ${counted(events, 'event')}${span}`;
  if (events === 0) return [head, 'Nothing in these logs names it.'];
  return [
    head,
    '',
    style.strong('Score now'),
    ...(terms.length === 0
      ? ['  nothing is held against it']
      : table(
          terms,
          [
            { title: 'detector', text: (row) => row.detector },
            { title: 'of', text: (row) => plain(row.subject) },
            { title: 'score', right: true, text: (row) => row.score.toFixed(2) },
            { title: 'convicts from', right: true, text: (row) => row.threshold.toFixed(2) },
            { title: 'missing', right: true, text: (row) => Math.max(0, row.threshold - row.score).toFixed(2) },
          ],
          style.width,
        )),
    '  delay from 4.6, 4xx from 6.9, 421 from 9.2, refused from 11.5 (16.1 for an established sender)',
    ...(history.length === 0 ? [] : ['', style.strong('History')]),
    ...(history.length === 0
      ? []
      : table(
          history,
          [
            { title: 'time', text: (row) => localTime(row.time) },
            { title: 'term', right: true, text: (row) => signed(row.nats) },
            { title: 'score', right: true, text: (row) => row.score.toFixed(2) },
            { title: 'detector', text: (row) => row.detector },
            { title: 'what', text: (row) => plain(row.words) },
          ],
          style.width,
        )),
    ...incidents.flatMap((incident) => ['', ...incidentLines(incident, style)]),
  ];
};
