/** Evidence that a detector has accused in, as the incident that a person reads. */
import type { Actor, Incident, Target } from '../../model/report.ts';
import type { Standing } from '../../model/standing.ts';
import { adviceFor } from '../advice.ts';
import { mainHabits } from './evidence.ts';
import type { ActorRecord, Evidence } from './evidence.ts';

/** The servers that return bounces are innocent. */
const standingOf = (evidence: Evidence): Standing => (evidence.attack === 'backscatter' ? 'suspect' : 'hostile');

/** @param members the actors that belong to it */
export const renderEvidence = (evidence: Evidence, members: readonly ActorRecord[]): Incident => {
  const actors: Actor[] = members
    .map(({ kind, value, events, first, last }) => ({ kind, value, events, first, last }))
    .toSorted((a, b) => b.events - a.events || a.first - b.first);
  const recognised = evidence.recognised ?? { time: evidence.last, eventsBefore: 0, why: '' };
  let opened = actors.length === 0 ? evidence.opened : Infinity;
  for (const actor of actors) opened = Math.min(opened, actor.first);
  // An honest sender's stale address is in the evidence too, but not in the incident.
  const size =
    actors.length === 0
      ? evidence.events
      : actors.reduce((sum, actor) => sum + actor.events, evidence.crowd ? evidence.actorsUncounted : 0);
  const counts =
    evidence.counts.size === 1 ? new Map([...evidence.counts.keys()].map((name) => [name, size])) : evidence.counts;
  const details: Target[] = [...evidence.details.values()].map(({ aim, events }) => ({
    kind: aim.kind,
    value: aim.value,
    events,
  }));
  return {
    id: evidence.id,
    attack: evidence.attack,
    standing: standingOf(evidence),
    opened,
    recognised: recognised.time,
    last: evidence.last,
    closed: evidence.closed,
    distributed: evidence.crowd,
    eventsBeforeRecognition: recognised.eventsBefore,
    actors,
    actorCount: actors.length + (evidence.crowd ? evidence.actorsUncounted : 0),
    targets: [{ ...evidence.target, events: size }, ...details.toSorted((a, b) => b.events - a.events)],
    counts: Object.fromEntries(counts),
    habits: mainHabits(evidence),
    why: recognised.why,
    advice: adviceFor(evidence.attack, {
      crowd: evidence.crowd,
      eventsBefore: recognised.eventsBefore,
      target: evidence.target.value,
    }),
    campaign: evidence.campaign,
  };
};
