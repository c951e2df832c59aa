/**
 * What our own sessions do is nobody's deed. Most facts of one carry its marked name, and while the hooks are asked they tell
 * from where it comes. For a server that does not ask, what names an address alone is ours for as long as the session lasts.
 */
import type { Event, ServerName } from '../../model/event.ts';

/** Logs have whole seconds, and a last line may be late. */
const beforeMs = 1000;
const afterMs = 3000;

export type OwnSessions = {
  readonly isOwn: (event: Event) => boolean;
  /** While `work` speaks to that server from that address. */
  readonly during: <T>(server: ServerName, address: string, work: () => Promise<T>) => Promise<T>;
};

export const createOwnSessions = (): OwnSessions => {
  const sessions = new Map<string, { from: number; until: number }>();
  return {
    isOwn: (event) => {
      if (sessions.size === 0 || event.client === undefined) return false;
      if (event.helo !== undefined || event.account !== undefined) return false;
      const session = sessions.get(`${event.server} ${event.client}`);
      return session !== undefined && event.time >= session.from - beforeMs && event.time <= session.until + afterMs;
    },
    // One place at a time is looked at, so that the last session of each is all there is to know.
    during: async (server, address, work) => {
      const session = { from: Date.now(), until: Infinity };
      sessions.set(`${server} ${address}`, session);
      try {
        return await work();
      } finally {
        session.until = Date.now();
      }
    },
  };
};
