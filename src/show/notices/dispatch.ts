/**
 * Takes notices to every channel, tries again when one is not taken, and never floods: beyond a limit one says how many more.
 * What has not been taken waits in an outbox on disk, so that a stop, or a crash, loses none.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { errorWords } from '../../model/fault.ts';
import { noticeIn, plainNotice } from './notice.ts';
import type { Channel, Notice } from './notice.ts';

/** After a failure so long until the next attempt. */
const retryMs = [1000, 5000, 30_000, 120_000, 600_000, 3600_000, 6 * 3600_000] as const;
const perHourMax = 60;
const hourMs = 3600_000;
/** What is older is no news any more. */
const ageMsMax = 3 * 24 * hourMs;
/** So long a stop waits for what is on its way; taken later, it would be told twice. */
const stopMsMax = 2000;

type Waiting = {
  readonly id: number;
  readonly time: number;
  readonly channel: string;
  readonly tries: number;
  readonly document: string;
};
/** Where they wait (the ledger). */
export type Outbox = {
  readonly add: (channel: string, document: string) => number;
  readonly tried: (id: number) => void;
  readonly remove: (id: number) => void;
  readonly waiting: () => readonly Waiting[];
};

export type Dispatch = {
  readonly tell: (notice: Notice) => void;
  /** Leaves what has not been taken for the next start. */
  readonly stop: () => Promise<void>;
};

const titleOf = (document: string): string => noticeIn(document)?.title ?? '';
// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const createDispatch = (
  channels: readonly Channel[],
  outbox: Outbox,
  complain: (text: string) => void,
): Dispatch => {
  const timers = new Set<NodeJS.Timeout>();
  const sending = new Set<Promise<void>>();
  const given = new AbortController();
  let isStopped = false;
  let hour = 0;
  let told = 0;

  /** A full disk keeps no notice from being sent. */
  const onDisk = <T>(work: () => T, otherwise: T): T => {
    if (isStopped) return otherwise;
    try {
      return work();
    } catch (error) {
      complain(`notices are not kept for a restart: ${errorWords(error)}`);
      return otherwise;
    }
  };
  const giveUp = ({ id, channel, document }: Waiting, words: string): void => {
    onDisk(() => outbox.remove(id), undefined);
    complain(`a notice was not taken by ${channel} (${words}): ${titleOf(document)}`);
  };
  const later = (channel: Channel, waiting: Waiting, words: string): void => {
    const wait = retryMs[waiting.tries];
    if (isStopped) return;
    if (wait === undefined || Date.now() - waiting.time > ageMsMax) return giveUp(waiting, words);
    onDisk(() => outbox.tried(waiting.id), undefined);
    const timer = setTimeout(() => {
      timers.delete(timer);
      attempt(channel, { ...waiting, tries: waiting.tries + 1 });
    }, wait);
    timers.add(timer);
  };
  function attempt(channel: Channel, waiting: Waiting): void {
    const notice = noticeIn(waiting.document);
    if (notice === undefined) return giveUp(waiting, 'what was kept of it is damaged');
    const sent = channel
      .send(notice, given.signal)
      .then(
        () => onDisk(() => outbox.remove(waiting.id), undefined),
        (error: unknown) => later(channel, waiting, errorWords(error)),
      )
      .finally(() => sending.delete(sent));
    sending.add(sent);
  }
  const toAll = (notice: Notice): void => {
    const document = JSON.stringify(notice);
    for (const { channel, id } of channels.map((each) => ({
      channel: each,
      id: onDisk(() => outbox.add(each.name, document), 0),
    })))
      attempt(channel, { id, time: Date.now(), channel: channel.name, tries: 0, document });
  };
  for (const waiting of onDisk(() => outbox.waiting(), [])) {
    const channel = channels.find(({ name }) => name === waiting.channel);
    if (channel === undefined) giveUp(waiting, 'it is not configured any more');
    else attempt(channel, waiting);
  }

  return {
    tell: (notice) => {
      const now = Math.floor(notice.time / hourMs);
      if (now > hour) [hour, told] = [now, 0];
      told++;
      if (told < perHourMax) toAll(notice);
      else if (told === perHourMax)
        toAll(
          plainNotice(
            'problem',
            `more than ${perHourMax} notices within an hour: the next ones are only in postern incidents`,
            undefined,
            notice.time,
            notice.host,
          ),
        );
    },
    stop: async () => {
      for (const timer of timers) clearTimeout(timer);
      const patience = new AbortController();
      await Promise.race([Promise.all(sending), pause(stopMsMax, undefined, { signal: patience.signal })]);
      patience.abort();
      isStopped = true;
      given.abort(new Error('the guard stops'));
    },
  };
};
