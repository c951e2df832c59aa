/**
 * D13: more connections than a client's allowance: by our count of connects, or by the server's own limits (DETECTION B.14).
 * Dovecot tells of a connection when it ends: one that ended without a login came for nothing.
 */
import { exceeds } from '../statistics/rate.ts';
import type { Allowance } from '../statistics/rate.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { serverAim } from './detector.ts';
import { tags } from './tags.ts';

const connections: Allowance = { perHour: 1800, burst: 60 };
/** The server refused a connection for its own rate or concurrency limit: a few may be a burst of good mail. */
const refusals: Allowance = { perHour: 30, burst: 10 };
const flooding = new Set(['connection-rate', 'concurrency']);

const observe = (facts: Facts, bench: Bench): void => {
  const { event, prefix, seconds } = facts;
  if (prefix === undefined) return;
  const refused = event.kind === 'limit';
  if (refused && !flooding.has(event.reason ?? '')) return;
  if (event.kind === 'disconnect' && event.server !== 'dovecot') return;
  const over = refused
    ? exceeds(bench.table, tags.limitHits, prefix, seconds, refusals, event.count ?? 1)
    : exceeds(bench.table, tags.connectionRate, prefix, seconds, connections);
  if (!refused && !over) return;
  const actor = { kind: 'client', value: prefix } as const;
  bench.note(facts, {
    attack: 'connection-flood',
    target: serverAim(event),
    actor,
    detail: undefined,
    count: refused ? 'refusedConnections' : 'excessConnections',
    events: event.count ?? 1,
  });
  if (!over) return;
  bench.accuse(facts, {
    detector: 'connection-flood',
    attack: 'connection-flood',
    target: serverAim(event),
    actor,
    crowd: false,
    forLoad: true,
    why: refused
      ? `${prefix} ran into the server's own connection limits more than ${refusals.burst} times`
      : `${prefix} connected more than ${connections.burst} times at once or ${connections.perHour / 60} times a minute`,
  });
};

export const connectionFlood: Detector = {
  name: 'connection-flood',
  attack: 'connection-flood',
  sentence: 'a client opens more connections than its allowance',
  listensTo: ['connect', 'limit', 'disconnect'],
  observe,
};
