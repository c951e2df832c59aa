/**
 * Who tells what happened at a server: its log, or its hooks. A log that speaks is the better witness, and what its hooks
 * saw would be counted twice. A log that has fallen silent while the hooks are asked (rotated away, a full disk, a syslog
 * that died) is noticed, and the hooks speak again.
 *
 * Sendmail's log names the client of a refused recipient only when the transaction ends, and a guesser has all his answers by
 * then. So there the hook is believed at once, and the log's line about the same recipient is not counted again. Not so Exim's
 * hook: it cannot tell an unknown name here from a domain elsewhere that has no route, and who may relay asks for many of those.
 * Exim's and Sendmail's logs do not tell of a connection as they are set by default: until one does, the hook's word counts.
 */
import type { Event, ServerName } from '../model/event.ts';
import { isConnection } from './log-pulse.ts';
import { keep } from '../model/keep.ts';

export type Witness = {
  /** Whether what a log says counts. @param now milliseconds, never going back */
  readonly logSpeaks: (event: Told, now: number) => boolean;
  /** Whether what a hook saw counts. */
  readonly hookSpeaks: (event: Told, now: number) => boolean;
};

type Told = Pick<Event, 'server' | 'kind' | 'outcome' | 'client' | 'recipient'>;

const silentMs = 5 * 60_000;
/** So much must have happened at the hooks meanwhile: a quiet server writes nothing either. */
const unheardMin = 20;
/** Recipients that a hook told of and the log has yet to; the oldest goes first. */
const aheadMax = 20_000;

type Heard = { lastMs: number; unheard: number; isSilent: boolean };

/** @param onSilent told once each time a log falls silent */
export const createWitness = (onSilent: (server: ServerName, silentForMs: number) => void): Witness => {
  const heard = new Map<ServerName, Heard>();
  const ahead = new Map<string, number>();
  const tellsConnects = new Set<ServerName>();
  /** undefined: the hook is not ahead of the log there. */
  const keyOf = ({ server, kind, outcome, client, recipient }: Told): string | undefined =>
    server === 'sendmail' && kind === 'recipient' && outcome === 'unknown' && client !== undefined
      ? `${client} ${recipient ?? ''}`
      : undefined;
  const noteAhead = (key: string): void => {
    const count = ahead.get(key) ?? 0;
    if (count === 0 && ahead.size >= aheadMax)
      for (const oldest of ahead.keys()) {
        ahead.delete(oldest);
        break;
      }
    ahead.set(count === 0 ? keep(key) : key, count + 1);
  };
  const isBehind = (key: string): boolean => {
    const count = ahead.get(key) ?? 0;
    if (count > 1) ahead.set(key, count - 1);
    else ahead.delete(key);
    return count > 0;
  };
  return {
    logSpeaks: (event, now) => {
      const { server } = event;
      const known = heard.get(server);
      if (known === undefined) heard.set(server, { lastMs: now, unheard: 0, isSilent: false });
      else Object.assign(known, { lastMs: now, unheard: 0, isSilent: false });
      if (isConnection(event)) tellsConnects.add(server);
      const key = keyOf(event);
      return key === undefined || !isBehind(key);
    },
    hookSpeaks: (event, now) => {
      const { server } = event;
      const key = keyOf(event);
      if (key !== undefined) {
        noteAhead(key);
        return true;
      }
      if (isConnection(event) && !tellsConnects.has(server)) return true;
      const known = heard.get(server);
      if (known === undefined || known.isSilent) return true;
      known.unheard++;
      if (known.unheard < unheardMin || now - known.lastMs < silentMs) return false;
      known.isSilent = true;
      onSilent(server, now - known.lastMs);
      return true;
    },
  };
};
