/** The queue by who, where and why: counted in one pass, in bounded memory. */
import { domainOf } from '../address.ts';
import { attemptsNextDay } from './cost.ts';
import { isForged, isHeldInQueue, reasonOf, relayHostOf } from './message.ts';
import type { QueuedMessage } from './message.ts';

export const groupings = [
  'sender',
  'account',
  'user',
  'script',
  'client',
  'relay',
  'domain',
  'age',
  'reason',
  'queue',
  'subject',
] as const;
export type Grouping = (typeof groupings)[number];

const ages: readonly (readonly [string, number])[] = [
  ['under 5 min', 300],
  ['5 to 60 min', 3600],
  ['1 to 6 h', 6 * 3600],
  ['6 to 24 h', 86_400],
  ['1 to 3 d', 3 * 86_400],
  ['over 3 d', Infinity],
];

const ageOf = (message: QueuedMessage, now: number): string =>
  ages.find(([, seconds]) => now - message.arrived < seconds * 1000)?.[0] ?? 'over 3 d';

const wordsMax = 90;
/** From the next server's own answer on, where there is one; what differs from message to message is taken out. */
const reasonWords = (reason: string): string => {
  const short = reason.slice(0, 1000);
  return short
    .slice(Math.max(0, short.search(/\b[45]\d\d[ -]/)))
    .replaceAll(/<[^<>]{1,320}>/g, '<>')
    .replaceAll(/\[[0-9A-Fa-f.:]{3,45}\](?::\d{1,5})?/g, '')
    .replaceAll(/\d{5,}/g, '..')
    .replace(/ \(in reply to .*$/, '')
    .replace(/^Deferred: /, '')
    .slice(0, wordsMax);
};

/** user and number, as far as known: `www-data (33)`. */
export const userOf = ({ user, uid }: QueuedMessage): string | undefined =>
  user === undefined ? (uid === undefined ? undefined : `uid ${uid}`) : uid === undefined ? user : `${user} (${uid})`;

const keyOf: Readonly<
  Record<Exclude<Grouping, 'domain'>, (message: QueuedMessage, now: number) => string | undefined>
> = {
  sender: ({ sender }) => (sender === '' ? '<>' : sender),
  account: ({ account }) => account,
  user: userOf,
  script: ({ script }) => script,
  client: ({ client }) => client,
  relay: relayHostOf,
  age: ageOf,
  reason: (message) => {
    const reason = reasonOf(message);
    return reason === undefined ? undefined : reasonWords(reason);
  },
  queue: ({ server, queue }) => `${server} ${queue}`,
  subject: ({ subject }) => subject,
};

/** A message counts once for each domain that it still has to go to. */
const keysOf = (message: QueuedMessage, by: Grouping, now: number): readonly string[] => {
  if (by === 'domain') return [...new Set(message.recipients.map(({ address }) => domainOf(address)))];
  const key = keyOf[by](message, now);
  return key === undefined ? [] : [key];
};

export type Group = { readonly key: string; messages: number; recipients: number; bytes: number; oldest: number };
export type Groups = { readonly by: Grouping; readonly groups: readonly Group[]; readonly keys: number };

export type QueueTotals = {
  messages: number;
  recipients: number;
  bytes: number;
  held: number;
  /** Bounces: the null reverse-path. */
  nullSender: number;
  /** The sender is not who handed it in; of `owned`, those whose account or user is known. */
  forged: number;
  owned: number;
  oldest: number | undefined;
  /** Of those that still wait, how many came lately: a queue that grows has many. */
  cameInTenMinutes: number;
  cameInHour: number;
  /** What those that are not held will cost, as servers usually retry. */
  attemptsNextDay: number;
};

export type QueueCount = {
  readonly add: (message: QueuedMessage) => void;
  readonly totals: () => QueueTotals;
  /** Largest first. */
  readonly groups: (by: Grouping, top: number) => Groups;
};

const keysMax = 200_000;
/** Minutes of age, of three servers. */
const agesMax = 50_000;
const keyLengthMax = 320;
const others = '(others)';

/** Copied: a slice would keep the whole text of a queue file alive. */
const kept = (text: string): string => ` ${text.slice(0, keyLengthMax)}`.slice(1);

export const createQueueCount = (wanted: readonly Grouping[], now: number): QueueCount => {
  const totals: QueueTotals = {
    messages: 0,
    recipients: 0,
    bytes: 0,
    held: 0,
    nullSender: 0,
    forged: 0,
    owned: 0,
    oldest: undefined,
    cameInTenMinutes: 0,
    cameInHour: 0,
    attemptsNextDay: 0,
  };
  /** By server and minute of age: most messages of a flood share it. */
  const attempts = new Map<string, number>();
  const attemptsOf = ({ server }: QueuedMessage, ageSeconds: number): number => {
    const minutes = Math.max(0, Math.floor(ageSeconds / 60));
    const key = `${server} ${minutes}`;
    const known = attempts.get(key) ?? attemptsNextDay(server, minutes * 60);
    if (attempts.size < agesMax) attempts.set(key, known);
    return known;
  };
  const addCost = (message: QueuedMessage): void => {
    const ageSeconds = (now - message.arrived) / 1000;
    if (ageSeconds < 600) totals.cameInTenMinutes++;
    if (ageSeconds < 3600) totals.cameInHour++;
    if (!isHeldInQueue(message)) totals.attemptsNextDay += attemptsOf(message, ageSeconds);
  };
  const tables = new Map(wanted.map((by) => [by, new Map<string, Group>()]));
  const addTo = (table: Map<string, Group>, key: string, message: QueuedMessage): void => {
    let group = table.get(key) ?? (table.size >= keysMax ? table.get(others) : undefined);
    if (group === undefined) {
      group = {
        key: table.size >= keysMax ? others : kept(key),
        messages: 0,
        recipients: 0,
        bytes: 0,
        oldest: message.arrived,
      };
      table.set(group.key, group);
    }
    group.messages++;
    group.recipients += message.recipientCount;
    group.bytes += message.sizeBytes ?? 0;
    group.oldest = Math.min(group.oldest, message.arrived);
  };
  return {
    add: (message) => {
      totals.messages++;
      totals.recipients += message.recipientCount;
      totals.bytes += message.sizeBytes ?? 0;
      if (isHeldInQueue(message)) totals.held++;
      if (message.sender === '') totals.nullSender++;
      if (message.account !== undefined || message.user !== undefined) totals.owned++;
      if (isForged(message)) totals.forged++;
      addCost(message);
      totals.oldest = Math.min(totals.oldest ?? Infinity, message.arrived);
      for (const [by, table] of tables) for (const key of keysOf(message, by, now)) addTo(table, key, message);
    },
    totals: () => ({ ...totals }),
    groups: (by, top) => {
      const all = [...(tables.get(by)?.values() ?? [])];
      const groups = all.toSorted((a, b) => b.messages - a.messages || (a.key < b.key ? -1 : 1)).slice(0, top);
      return { by, groups, keys: all.length };
    },
  };
};
