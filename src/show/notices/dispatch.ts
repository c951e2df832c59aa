/** Takes notices to every channel, tries again when one is not taken, and never floods: beyond a limit one says how many more. */
import { plainNotice } from './notice.ts';
import type { Channel, Notice } from './notice.ts';

/** After a failure so long until the next attempt. */
const retryMs = [1000, 5000, 30_000, 120_000, 600_000] as const;
const perHourMax = 60;
const hourMs = 3600_000;
const waitingMax = 200;

export type Dispatch = {
  readonly tell: (notice: Notice) => void;
  /** Gives up what has not been taken. */
  readonly stop: () => void;
};

export const createDispatch = (channels: readonly Channel[], complain: (text: string) => void): Dispatch => {
  const timers = new Set<NodeJS.Timeout>();
  let hour = 0;
  let told = 0;

  const attempt = (channel: Channel, notice: Notice, tries: number): void => {
    void channel.send(notice).catch((error: unknown) => {
      const wait = retryMs[tries];
      const words = error instanceof Error ? error.message : String(error);
      if (wait === undefined || timers.size >= waitingMax)
        return complain(`a notice was not taken by ${channel.name} (${words}): ${notice.title}`);
      const timer = setTimeout(() => {
        timers.delete(timer);
        attempt(channel, notice, tries + 1);
      }, wait);
      timers.add(timer);
    });
  };
  const toAll = (notice: Notice): void => channels.forEach((channel) => attempt(channel, notice, 0));

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
    stop: () => {
      for (const timer of timers) clearTimeout(timer);
    },
  };
};
