/**
 * One fact told by two servers counts once: a failed SMTP login stands in Postfix's or Exim's log and in Dovecot's. The
 * first of a pair passes, the other within a few seconds, from another server, for the same client, is its echo.
 */
import type { JudgedEvent, Outcome, ServerName } from '../model/event.ts';
import { byPair } from './statistics/by-pair.ts';

const echoMs = 15_000;
const waitingMax = 10_000;

type Told = { server: ServerName; time: number; count: number };

/** @returns a filter: true when the event repeats what another server told already */
export const createEcho = (): ((event: JudgedEvent) => boolean) => {
  /** Postfix does not always log the account, so the outcome and the client make the pair. */
  const waiting = byPair<Outcome | undefined, Told>();
  return ({ kind, client, outcome, server, time }) => {
    if (kind !== 'auth' || client === undefined) return false;
    const told = waiting.get(outcome, client);
    if (told !== undefined && told.server !== server && Math.abs(time - told.time) <= echoMs && told.count > 0) {
      told.count--;
      return true;
    }
    if (told !== undefined && told.server === server && time - told.time <= echoMs) {
      told.count++;
      return false;
    }
    if (waiting.size() >= waitingMax) waiting.clear();
    else if (told !== undefined) {
      told.server = server;
      told.time = time;
      told.count = 1;
      return false;
    }
    waiting.set(outcome, client, { server, time, count: 1 });
    return false;
  };
};
