/** Where one message came from and what became of it: the queue file and the logs, joined by the queue id. */
import { directoryMark } from '../../model/event.ts';
import type { Event } from '../../model/event.ts';
import { keep } from '../../model/keep.ts';
import type { QueuedMessage } from '../../model/queue/message.ts';
import type { Spool } from '../../sense/queue/spool.ts';
import type { Source } from '../../show/text/queue.ts';
import { walkQueues } from './walk.ts';
import { readLogs } from '../read-logs.ts';
import type { ReadOptions } from '../read-logs.ts';

const eventsMax = 1000;
/** Owners remembered from logs, for queue files that do not name them. */
const ownersMax = 500_000;

export type Trace = Source & {
  readonly id: string;
  /** Undefined: it is not in the queue any more. */
  readonly message: QueuedMessage | undefined;
  /** The first of them, oldest first. */
  readonly events: readonly Event[];
  readonly eventCount: number;
};

export const trace = async (id: string, spools: readonly Spool[], logs: ReadOptions): Promise<Trace> => {
  const found: QueuedMessage[] = [];
  await walkQueues(spools, (message) => void (message.id === id && found.push(message)));
  const [file] = found;
  const events: Event[] = [];
  let eventCount = 0;
  if (logs.paths.length > 0)
    await readLogs(logs, (event) => {
      if (event.queueId !== id) return;
      eventCount++;
      if (events.length < eventsMax) events.push(event);
    });
  const told = (field: 'account' | 'user' | 'client'): string | undefined =>
    events.find((event) => event[field] !== undefined)?.[field];
  const forwarded = events.find(
    ({ origin, recipient, remote }) => remote === true && origin !== undefined && origin !== recipient,
  );
  return {
    id,
    message: file,
    events,
    eventCount,
    account: file?.account ?? told('account'),
    user: file?.user ?? told('user'),
    script: file?.script,
    directory: events
      .find(({ kind, text }) => kind === 'message' && text?.startsWith(directoryMark) === true)
      ?.text?.slice(directoryMark.length),
    client: file?.client ?? told('client'),
    forward: forwarded?.origin,
    isBounce: file === undefined ? events.some(({ reason }) => reason === 'bounce') : file.sender === '',
  };
};

export type Owner = Pick<QueuedMessage, 'account' | 'user'>;

/** Who handed in which message, from logs: Sendmail's queue files do not name the login. */
export const ownersIn = async (logs: ReadOptions): Promise<ReadonlyMap<string, Owner>> => {
  const owners = new Map<string, Owner>();
  await readLogs(logs, ({ queueId, account, user }) => {
    if (queueId === undefined || (account === undefined && user === undefined) || owners.has(queueId)) return;
    owners.set(keep(queueId), { account: account && keep(account), user: user && keep(user) });
    // What waits came lately: the oldest goes.
    const [oldest] = owners.size > ownersMax ? owners.keys() : [];
    if (oldest !== undefined) owners.delete(oldest);
  });
  return owners;
};

export const withOwner = (message: QueuedMessage, owners: ReadonlyMap<string, Owner>): QueuedMessage => {
  if (message.account !== undefined || message.user !== undefined) return message;
  const owner = owners.get(message.id);
  return owner === undefined ? message : { ...message, ...owner };
};
