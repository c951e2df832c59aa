/** The report of `postern analyze` for people. */
import type { Report } from '../../model/report.ts';
import { incidentLines } from './incident.ts';
import { plain } from './plain.ts';
import type { Style } from './style.ts';
import { counted, grouped, table } from './table.ts';
import type { Column } from './table.ts';
import { localTime } from './time.ts';

const section = (title: string, lines: readonly string[], style: Style): readonly string[] =>
  lines.length === 0 ? [] : ['', style.strong(title), ...lines];

const inputLines = (report: Report, style: Style): readonly string[] => {
  const { input } = report;
  const span =
    input.from === undefined || input.to === undefined
      ? input.events === 0
        ? 'no mail events'
        : 'none of the time asked for'
      : `${localTime(input.from)} to ${localTime(input.to)}`;
  const share = input.lines === 0 ? 0 : (input.unmatched / input.lines) * 100;
  return [
    `${counted(input.lines, 'line')}, ${counted(input.events, 'event')}, ${span}`,
    ...input.files.map((file) => {
      const servers = file.servers.length === 0 ? 'no mail server recognised' : file.servers.join(', ');
      return `  ${plain(file.path)}  ${file.format}: ${servers}${file.problem === undefined ? '' : `  ${style.warn('!')} ${plain(file.problem)}`}`;
    }),
    ...(input.unmatched === 0
      ? []
      : [
          `  ${counted(input.unmatched, 'line')} (${share.toFixed(2)} %) not understood: postern parse --unmatched shows them`,
        ]),
  ];
};

const offenderColumns = [
  { title: 'events', right: true, text: (row: { events: number }) => grouped(row.events) },
  { title: 'unknown', right: true, text: (row: { unknownRecipients: number }) => grouped(row.unknownRecipients) },
  { title: 'relay', right: true, text: (row: { relayDenied: number }) => grouped(row.relayDenied) },
  { title: 'logins', right: true, text: (row: { authFailures: number }) => grouped(row.authFailures) },
  { title: 'errors', right: true, text: (row: { protocolErrors: number }) => grouped(row.protocolErrors) },
] as const;

/** Where nothing was judged, "no attack" would be a lie. */
const noAttackWords = ({ from, events }: Report['input']): string => {
  if (from !== undefined) return 'No attack found.';
  return `Nothing was judged: ${events === 0 ? 'no line of a mail server that Postern knows is in it (docs/logs.md)' : 'no event is of the time asked for'}.`;
};

type OffenderRow = Report['offenders'][number];
type NetworkRow = Report['networks'][number];

const offenderTable = (report: Report, top: number, width: number): readonly string[] => {
  const columns: readonly Column<OffenderRow>[] = [
    { title: 'address', whole: true, text: (row) => plain(row.client) },
    ...offenderColumns,
    { title: 'stands', text: (row) => row.standing },
    // Without the year and the seconds: the row of an IPv4 address then fits into 80 columns.
    { title: 'last', text: (row) => localTime(row.last).slice(5, 16) },
  ];
  return table(report.offenders.slice(0, top), columns, width);
};

const networkTable = (report: Report, top: number, width: number): readonly string[] => {
  const columns: readonly Column<NetworkRow>[] = [
    { title: 'network', whole: true, text: (row) => plain(row.network) },
    { title: 'addresses', right: true, text: (row) => grouped(row.clients) },
    ...offenderColumns,
  ];
  return table(report.networks.filter((network) => network.clients > 1).slice(0, top), columns, width);
};

const accountColumns: readonly Column<Report['accounts'][number]>[] = [
  { title: 'account', text: (row) => plain(row.account) },
  { title: 'failed logins', right: true, text: (row) => grouped(row.authFailures) },
  { title: 'messages', right: true, text: (row) => grouped(row.messages) },
  { title: 'recipients', right: true, text: (row) => grouped(row.recipients) },
  { title: 'invalid', right: true, text: (row) => grouped(row.invalidRecipients) },
  { title: 'standing', text: (row) => row.standing },
];

const senderColumns: readonly Column<Report['senders'][number]>[] = [
  { title: 'who', text: (row) => `${row.kind} ${plain(row.value)}` },
  { title: 'messages', right: true, text: (row) => grouped(row.messages) },
  { title: 'recipients', right: true, text: (row) => grouped(row.recipients) },
  { title: 'bounced', right: true, text: (row) => grouped(row.bounced) },
];

const domainColumns: readonly Column<Report['domains'][number]>[] = [
  { title: 'domain', text: (row) => plain(row.domain) },
  { title: 'unknown', right: true, text: (row) => grouped(row.unknownRecipients) },
  { title: 'bounces', right: true, text: (row) => grouped(row.bounces) },
  { title: 'accepted', right: true, text: (row) => grouped(row.accepted) },
];

export const reportLines = (report: Report, top: number, style: Style): readonly string[] => {
  const { incidents, input } = report;
  const { width } = style;
  const accounts = report.accounts.filter((account) => account.authFailures > 0 || account.invalidRecipients > 0);
  const domains = report.domains.filter((domain) => domain.unknownRecipients > 0 || domain.bounces > 0);
  const found = `${grouped(incidents.length)} ${incidents.length === 1 ? 'attack' : 'attacks'}`;
  return [
    ...inputLines(report, style),
    '',
    incidents.length > 0 ? style.strong(found) : noAttackWords(input),
    ...incidents.flatMap((incident) => ['', ...incidentLines(incident, style)]),
    ...section('Top abusers by address', offenderTable(report, top, width), style),
    ...section('Top abusers by network', networkTable(report, top, width), style),
    ...section('Accounts under attack or abused', table(accounts.slice(0, top), accountColumns, width), style),
    ...section('Who sends', table(report.senders.slice(0, top), senderColumns, width), style),
    ...section('Domains attacked', table(domains.slice(0, top), domainColumns, width), style),
  ];
};
