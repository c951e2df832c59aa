/**
 * Who tells what happened at a server: its log, or its hooks. A log that speaks is the better witness, and what its hooks
 * saw would be counted twice. A log that has fallen silent while the hooks are asked (rotated away, a full disk, a syslog
 * that died) is noticed, and the hooks speak again.
 */
import type { ServerName } from '../model/event.ts';

export type Witness = {
  readonly logSpoke: (server: ServerName, now: number) => void;
  /** Whether what a hook saw counts. @param now milliseconds, never going back */
  readonly hookSpeaks: (server: ServerName, now: number) => boolean;
};

const silentMs = 5 * 60_000;
/** So much must have happened at the hooks meanwhile: a quiet server writes nothing either. */
const unheardMin = 20;

type Heard = { lastMs: number; unheard: number; isSilent: boolean };

/** @param onSilent told once each time a log falls silent */
export const createWitness = (onSilent: (server: ServerName, silentForMs: number) => void): Witness => {
  const heard = new Map<ServerName, Heard>();
  return {
    logSpoke: (server, now) => {
      const known = heard.get(server);
      if (known === undefined) heard.set(server, { lastMs: now, unheard: 0, isSilent: false });
      else Object.assign(known, { lastMs: now, unheard: 0, isSilent: false });
    },
    hookSpeaks: (server, now) => {
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
