/** The queue for people: totals, groups, one message. */
import type { Event } from '../../model/event.ts';
import type { Group, Groups, QueueTotals } from '../../model/queue/groups.ts';
import { userOf } from '../../model/queue/groups.ts';
import { isForged } from '../../model/queue/message.ts';
import type { QueuedMessage } from '../../model/queue/message.ts';
import { plain } from './plain.ts';
import type { Style } from './style.ts';
import { counted, grouped, table } from './table.ts';
import { durationWords, localTime } from './time.ts';

const sizeUnits: readonly (readonly [string, number])[] = [
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
];
const sizeWords = (bytes: number): string => {
  const [unit, factor] = sizeUnits.find(([, size]) => bytes >= size) ?? ['bytes', 1];
  return `${factor === 1 ? bytes : (bytes / factor).toFixed(1)} ${unit}`;
};

const share = (part: number, whole: number): string => `${Math.round((100 * part) / whole)} %`;

export const totalLines = (totals: QueueTotals, now: number, style: Style): readonly string[] => {
  if (totals.messages === 0) return ['The queue is empty.'];
  const oldest = totals.oldest === undefined ? '' : `, the oldest ${durationWords(now - totals.oldest)}`;
  return [
    `${style.strong(counted(totals.messages, 'message'))} for ${counted(totals.recipients, 'recipient')}, ${sizeWords(totals.bytes)}${oldest}; ${grouped(totals.held)} held`,
    `null sender ${share(totals.nullSender, totals.messages)}${totals.owned === 0 ? '' : `; forged sender ${share(totals.forged, totals.owned)} of the ${grouped(totals.owned)} whose account or user is known`}`,
    `${grouped(totals.cameInHour)} of them came within the last hour, ${grouped(totals.cameInTenMinutes)} within ten minutes; left alone they cost about ${grouped(totals.attemptsNextDay)} delivery attempts in the next day`,
  ];
};

export const groupLines = ({ by, groups, keys }: Groups, now: number, style: Style): readonly string[] => {
  if (groups.length === 0) return [];
  const rows = table<Group>(
    groups,
    [
      { title: 'messages', right: true, text: (row) => grouped(row.messages) },
      { title: 'recipients', right: true, text: (row) => grouped(row.recipients) },
      { title: 'size', right: true, text: (row) => sizeWords(row.bytes) },
      { title: 'oldest', right: true, text: (row) => durationWords(now - row.oldest) },
      { title: by, text: (row) => plain(row.key) },
    ],
    style.width,
  );
  const more = keys - groups.length;
  return [
    '',
    style.strong(`By ${by}`),
    ...rows,
    ...(more > 0 ? [style.faint(`  and ${grouped(more)} more (--top)`)] : []),
  ];
};

/** Where a message came from, from the queue file or else the logs. Of a bounce: who sent what bounced. */
export type Source = {
  readonly account: string | undefined;
  readonly user: string | undefined;
  readonly script: string | undefined;
  /** Where the command stood that handed it in: Exim's log tells it (log_selector +arguments). */
  readonly directory: string | undefined;
  readonly client: string | undefined;
  /** The address here that forwards it. */
  readonly forward: string | undefined;
  readonly isBounce: boolean;
};

/** One sentence: who answers for it. */
export const sourceWords = ({ account, user, script, directory, client, forward, isBounce }: Source): string => {
  const place = directory === undefined ? '' : `, in ${plain(directory)}`;
  const from = client === undefined ? '' : ` from ${plain(client)}`;
  const what = isBounce ? 'a bounce of what came from' : 'handed in by';
  const onward = forward === undefined ? '' : `, forwarded by the alias ${plain(forward)}`;
  if (account !== undefined) return `${what} the account ${plain(account)}${from}${onward}`;
  if (user !== undefined)
    return `${what} the local user ${plain(user)}${script === undefined ? '' : `, script ${plain(script)}`}${place}${onward}`;
  return client === undefined
    ? `nothing tells where it came from${onward}`
    : `${what} the client ${plain(client)}, without a login${onward}`;
};

/** One line for each thing that the logs tell of it. */
export const eventLine = ({ time, server, kind, outcome, recipient, dsn, text, reason }: Event): string =>
  [
    `  ${localTime(time)}  ${server} ${kind}${outcome === undefined ? '' : ` ${outcome}`}${reason === undefined ? '' : ` (${reason})`}`,
    recipient === undefined ? '' : `  ${plain(recipient)}`,
    dsn === undefined ? '' : `  ${plain(dsn)}`,
    text === undefined ? '' : `  ${plain(text.slice(0, eventTextMax))}`,
  ].join('');

const eventTextMax = 200;
const recipientsShown = 20;

export const messageLines = (message: QueuedMessage, now: number, style: Style): readonly string[] => {
  const row = (name: string, text: string | number | undefined): readonly string[] =>
    text === undefined ? [] : [`  ${name.padEnd(10)} ${plain(String(text))}`];
  const { recipients, recipientCount, deliveredCount } = message;
  return [
    `${style.strong(plain(message.id))}  ${message.server}, ${message.queue}`,
    ...row('arrived', `${localTime(message.arrived)} (${durationWords(now - message.arrived)} ago)`),
    ...row('size', message.sizeBytes === undefined ? undefined : sizeWords(message.sizeBytes)),
    ...row('sender', message.sender === '' ? '<> (a bounce or notice)' : message.sender),
    ...(isForged(message) ? [`             ${style.warn('not the address of who handed it in')}`] : []),
    ...row('account', message.account),
    ...row('user', userOf(message)),
    ...row('script', message.script),
    ...row('client', message.client),
    ...row('helo', message.helo),
    ...row('subject', message.subject),
    ...row(
      'waits for',
      `${counted(recipientCount, 'recipient')}${deliveredCount === 0 ? '' : `, ${grouped(deliveredCount)} already delivered`}`,
    ),
    ...recipients
      .slice(0, recipientsShown)
      .flatMap(({ address, reason }) => [
        `             ${plain(address)}${reason === undefined ? '' : `: ${plain(reason)}`}`,
      ]),
    ...(recipientCount > recipientsShown
      ? [style.faint(`             and ${grouped(recipientCount - recipientsShown)} more`)]
      : []),
    ...row('file', message.path === '' ? undefined : message.path),
  ];
};
