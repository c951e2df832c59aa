/** The report of `postern analyze` for people. */
import type { Report } from '../../model/report.ts';
import { incidentLines } from './incident.ts';
import { plain } from './plain.ts';
import type { Style } from './style.ts';
import { grouped, table } from './table.ts';
import { localTime } from './time.ts';

const section = (title: string, lines: readonly string[], style: Style): readonly string[] =>
  lines.length === 0 ? [] : ['', style.strong(title), ...lines];

const inputLines = (report: Report, style: Style): readonly string[] => {
  const { input } = report;
  const span =
    input.from === undefined || input.to === undefined
      ? 'no mail events'
      : `${localTime(input.from)} to ${localTime(input.to)}`;
  const share = input.lines === 0 ? 0 : (input.unmatched / input.lines) * 100;
  return [
    `${grouped(input.lines)} lines, ${grouped(input.events)} events, ${span}`,
    ...input.files.map((file) => {
      const servers = file.servers.length === 0 ? 'no mail server recognised' : file.servers.join(', ');
      return `  ${plain(file.path)}  ${file.format}: ${servers}${file.problem === undefined ? '' : `  ${style.warn('!')} ${plain(file.problem)}`}`;
    }),
    ...(input.unmatched === 0
      ? []
      : [
          `  ${grouped(input.unmatched)} lines (${share.toFixed(2)} %) not understood: postern parse --unmatched shows them`,
        ]),
  ];
};

const offenderColumns = [
  { title: 'events', right: true, text: (row: { events: number }) => grouped(row.events) },
  { title: 'unknown', right: true, text: (row: { unknownRecipients: number }) => grouped(row.unknownRecipients) },
  { title: 'relay', right: true, text: (row: { relayDenied: number }) => grouped(row.relayDenied) },
  { title: 'logins', right: true, text: (row: { authFailures: number }) => grouped(row.authFailures) },
  { title: 'protocol', right: true, text: (row: { protocolErrors: number }) => grouped(row.protocolErrors) },
] as const;

type OffenderRow = Report['offenders'][number];
type NetworkRow = Report['networks'][number];

export const reportLines = (report: Report, top: number, style: Style): readonly string[] => {
  const { incidents } = report;
  const offenders = report.offenders.slice(0, top);
  const networks = report.networks.filter((network) => network.clients > 1).slice(0, top);
  const accounts = report.accounts
    .filter((account) => account.authFailures > 0 || account.invalidRecipients > 0)
    .slice(0, top);
  const domains = report.domains.filter((domain) => domain.unknownRecipients > 0 || domain.bounces > 0).slice(0, top);
  const senders = report.senders.slice(0, top);
  return [
    ...inputLines(report, style),
    '',
    incidents.length === 0
      ? 'No attack found.'
      : style.strong(`${grouped(incidents.length)} ${incidents.length === 1 ? 'attack' : 'attacks'}`),
    ...incidents.flatMap((incident) => ['', ...incidentLines(incident, style)]),
    ...section(
      'Top abusers by address',
      offenders.length === 0
        ? []
        : table<OffenderRow>(
            offenders,
            [
              { title: 'address', text: (row) => plain(row.client) },
              ...offenderColumns,
              { title: 'standing', text: (row) => row.standing },
              { title: 'last', text: (row) => localTime(row.last) },
            ],
            style.width,
          ),
      style,
    ),
    ...section(
      'Top abusers by network',
      networks.length === 0
        ? []
        : table<NetworkRow>(
            networks,
            [
              { title: 'network', text: (row) => plain(row.network) },
              { title: 'addresses', right: true, text: (row) => grouped(row.clients) },
              ...offenderColumns,
            ],
            style.width,
          ),
      style,
    ),
    ...section(
      'Accounts under attack or abused',
      accounts.length === 0
        ? []
        : table(
            accounts,
            [
              { title: 'account', text: (row) => plain(row.account) },
              { title: 'failed logins', right: true, text: (row) => grouped(row.authFailures) },
              { title: 'messages', right: true, text: (row) => grouped(row.messages) },
              { title: 'recipients', right: true, text: (row) => grouped(row.recipients) },
              { title: 'invalid', right: true, text: (row) => grouped(row.invalidRecipients) },
              { title: 'standing', text: (row) => row.standing },
            ],
            style.width,
          ),
      style,
    ),
    ...section(
      'Who sends',
      senders.length === 0
        ? []
        : table(
            senders,
            [
              { title: 'who', text: (row) => `${row.kind} ${plain(row.value)}` },
              { title: 'messages', right: true, text: (row) => grouped(row.messages) },
              { title: 'recipients', right: true, text: (row) => grouped(row.recipients) },
              { title: 'bounced', right: true, text: (row) => grouped(row.bounced) },
            ],
            style.width,
          ),
      style,
    ),
    ...section(
      'Domains attacked',
      domains.length === 0
        ? []
        : table(
            domains,
            [
              { title: 'domain', text: (row) => plain(row.domain) },
              { title: 'unknown', right: true, text: (row) => grouped(row.unknownRecipients) },
              { title: 'bounces', right: true, text: (row) => grouped(row.bounces) },
              { title: 'accepted', right: true, text: (row) => grouped(row.accepted) },
            ],
            style.width,
          ),
      style,
    ),
  ];
};
