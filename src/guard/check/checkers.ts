/**
 * From where somebody checks just now. Sendmail's log has no HELO name, so its lines of a marked session name nobody: what
 * a log tells without a name of such a client, within these seconds, is no evidence.
 */
import { BroadcastChannel } from 'node:worker_threads';
import type { Event } from '../../model/event.ts';

type Checker = { readonly client: string; readonly until: number };

/** Behind the last question: a server may write a line at the session's end, or be slow to. */
const lingerMs = 10_000;
const checkersMax = 100;
const channelName = 'postern-checkers';

export type Telling = (client: string, time: number) => void;

/** For each thread that answers hooks. */
export const tellCheckers = (): Telling => {
  const channel = new BroadcastChannel(channelName);
  channel.unref();
  return (client, time) => {
    const checker: Checker = { client, until: time + lingerMs };
    channel.postMessage(checker);
  };
};

export type Checkers = {
  readonly isOne: (event: Event) => boolean;
  readonly stop: () => void;
};

/** For the thread that reads the logs. */
export const hearCheckers = (): Checkers => {
  const checkers = new Map<string, Checker>();
  const channel = new BroadcastChannel(channelName);
  channel.unref();
  // Its listener's type of an event is the browser's.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  channel.onmessage = (message): void => {
    // Posted above, by another thread of this process.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const { data } = message as { data: Checker };
    checkers.delete(data.client);
    if (checkers.size >= checkersMax) checkers.delete(checkers.keys().next().value ?? '');
    checkers.set(data.client, data);
  };
  return {
    isOne: ({ client, helo, account, time }) => {
      if (checkers.size === 0 || client === undefined || helo !== undefined || account !== undefined) return false;
      return time <= (checkers.get(client)?.until ?? 0);
    },
    stop: () => channel.close(),
  };
};
