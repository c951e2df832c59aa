/**
 * One fact told by two servers counts once: a failed SMTP login stands in Postfix's or Exim's log and in Dovecot's. The
 * first of a pair passes, the other within a few seconds, from another server, for the same client, is its echo.
 */
import type { Event, ServerName } from '../model/event.ts';

const echoMs = 15_000;
const waitingMax = 10_000;

type Told = { readonly server: ServerName; readonly time: number; count: number };

/** @returns a filter: true when the event repeats what another server told already */
export const createEcho = (): ((event: Event) => boolean) => {
  let waiting = new Map<string, Told>();
  return (event) => {
    if (event.kind !== 'auth' || event.client === undefined) return false;
    // Postfix does not always log the account, so the client and the outcome make the pair.
    const key = `${event.client} ${event.outcome ?? ''}`;
    const told = waiting.get(key);
    if (
      told !== undefined &&
      told.server !== event.server &&
      Math.abs(event.time - told.time) <= echoMs &&
      told.count > 0
    ) {
      told.count--;
      return true;
    }
    if (told !== undefined && told.server === event.server && event.time - told.time <= echoMs) {
      told.count++;
      return false;
    }
    if (waiting.size >= waitingMax) waiting = new Map();
    waiting.set(key, { server: event.server, time: event.time, count: 1 });
    return false;
  };
};
