/**
 * Evidence: what is known of one attack against one target, from its first bad event on. It becomes an incident when a
 * detector accuses; until then it accuses nobody and is forgotten when it stays quiet. Bounded: actors and details are
 * kept one by one up to a limit, beyond it only counted.
 */
import { keep } from '../../model/keep.ts';
import type { Habit, Incident } from '../../model/report.ts';
import type { AttackName } from '../../model/attack.ts';
import type { Aim, Subject } from '../detectors/detector.ts';
import { byPair } from '../statistics/by-pair.ts';

const actorsMax = 50_000;
const detailsMax = 2000;
/** Further ones are not told apart; what an attacker always says is among the first. */
const habitsMax = 256;
const keysMax = 16_384;

export type ActorRecord = Subject & {
  events: number;
  first: number;
  last: number;
  /** Named by a detector on its own account, not only as one of a crowd. */
  accused: boolean;
};

type Recognition = {
  readonly time: number;
  readonly eventsBefore: number;
  readonly why: string;
};

export type Evidence = {
  readonly id: string;
  readonly attack: AttackName;
  readonly target: Aim;
  opened: number;
  last: number;
  events: number;
  readonly counts: Map<string, number>;
  readonly actors: Map<string, ActorRecord>;
  /** Actors beyond the limit. */
  actorsUncounted: number;
  readonly details: Map<string, { readonly aim: Aim; events: number }>;
  /** How often each was seen (`habit.ts`). */
  readonly habits: Map<string, number>;
  recognised: Recognition | undefined;
  /** A crowd was recognised: actors that were never good belong to it, each with few events. */
  crowd: boolean;
  /** Events at the last announcement, so that growth is told when it doubled. */
  announcedEvents: number;
  closed: number | undefined;
  campaign: string | undefined;
};

export const newEvidence = (id: string, attack: AttackName, target: Aim, time: number): Evidence => ({
  id,
  attack,
  target,
  opened: time,
  last: time,
  events: 0,
  counts: new Map(),
  actors: new Map(),
  actorsUncounted: 0,
  details: new Map(),
  habits: new Map(),
  recognised: undefined,
  crowd: false,
  announcedEvents: 0,
  closed: undefined,
  campaign: undefined,
});

/** From what was told of an incident; which of a crowd was accused on its own is not in it. */
export const restoredEvidence = (incident: Incident): Evidence => {
  const [target = { kind: 'server', value: '', events: 0 }, ...details] = incident.targets;
  const evidence = newEvidence(
    incident.id,
    incident.attack,
    { kind: target.kind, value: target.value },
    incident.opened,
  );
  for (const { kind, value, events, first, last } of incident.actors)
    evidence.actors.set(value, { kind, value, events, first, last, accused: !incident.distributed });
  for (const [name, count] of Object.entries(incident.counts)) evidence.counts.set(name, count);
  for (const { kind, value, events } of details) addDetail(evidence, { kind, value }, events);
  // One that was kept by an earlier version has none.
  for (const { value, events } of incident.habits ?? []) evidence.habits.set(value, events);
  evidence.last = incident.last;
  evidence.events = target.events;
  evidence.announcedEvents = target.events;
  evidence.actorsUncounted = incident.actorCount - incident.actors.length;
  evidence.crowd = incident.distributed;
  evidence.campaign = incident.campaign;
  evidence.recognised = {
    time: incident.recognised,
    eventsBefore: incident.eventsBeforeRecognition,
    why: incident.why,
  };
  return evidence;
};

/** Adds an actor's events; the actor's record, or undefined when the limit is reached. */
export const addActor = (
  evidence: Evidence,
  subject: Subject,
  time: number,
  events: number,
): ActorRecord | undefined => {
  const known = evidence.actors.get(subject.value);
  if (known !== undefined) {
    known.events += events;
    known.last = Math.max(known.last, time);
    return known;
  }
  if (evidence.actors.size >= actorsMax) return undefined;
  const isAddress = subject.kind === 'client' || subject.kind === 'relay-host';
  const value = isAddress ? subject.value : keep(subject.value);
  const record: ActorRecord = {
    kind: subject.kind,
    value,
    events,
    first: time,
    last: time,
    accused: false,
  };
  evidence.actors.set(value, record);
  return record;
};

export const addDetail = (evidence: Evidence, aim: Aim, events: number): void => {
  const known = evidence.details.get(aim.value);
  if (known !== undefined) known.events += events;
  else if (evidence.details.size < detailsMax) {
    const value = keep(aim.value);
    evidence.details.set(value, { aim: { kind: aim.kind, value }, events });
  }
};

export const addHabit = ({ habits }: Evidence, habit: string, events: number): void => {
  const known = habits.get(habit);
  if (known !== undefined || habits.size < habitsMax) habits.set(habit, (known ?? 0) + events);
};

const habitShareMin = 0.2;
const habitEventsMin = 5;
const habitsShown = 5;

/** What most of them say, the commonest first. */
export const mainHabits = ({ habits, events: all }: Evidence): readonly Habit[] =>
  [...habits]
    .filter(([, events]) => events >= habitEventsMin && events >= habitShareMin * all)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, habitsShown)
    .map(([value, events]) => ({ value, events }));

export const sharedActors = (a: Evidence, b: Evidence): number => {
  const [small, large] = a.actors.size <= b.actors.size ? [a, b] : [b, a];
  let shared = 0;
  for (const name of small.actors.keys()) if (large.actors.has(name)) shared++;
  return shared;
};

/** Takes over all that is known of `from`, which is one attack with `into`. */
export const absorb = (into: Evidence, from: Evidence): void => {
  into.opened = Math.min(into.opened, from.opened);
  into.last = Math.max(into.last, from.last);
  into.events += from.events;
  into.crowd ||= from.crowd;
  into.actorsUncounted += from.actorsUncounted;
  for (const [name, count] of from.counts) into.counts.set(name, (into.counts.get(name) ?? 0) + count);
  for (const one of from.actors.values()) {
    const actor = addActor(into, one, one.last, one.events);
    if (actor === undefined) continue;
    actor.first = Math.min(actor.first, one.first);
    actor.accused ||= one.accused;
  }
  addDetail(into, from.target, from.events);
  for (const { aim, events } of from.details.values()) addDetail(into, aim, events);
  for (const [habit, events] of from.habits) addHabit(into, habit, events);
};

/** Which evidence it is, by attack and target: the same text again for what was asked lately, so that it is hashed once. */
export const createKeys = (): ((attack: AttackName, target: Aim) => string) => {
  const attacks = byPair<AttackName, string>();
  const known = byPair<string, string>();
  return (attack, { kind, value }) => {
    let about = attacks.get(attack, kind);
    if (about === undefined) attacks.set(attack, kind, (about = `${attack} ${kind}`));
    // What is against the server as a whole is one incident, whichever program of it was asked.
    if (kind === 'server') return about;
    let key = known.get(about, value);
    if (key !== undefined) return key;
    if (known.size() >= keysMax) known.clear();
    key = keep(`${about} ${value}`);
    known.set(about, keep(value), key);
    return key;
  };
};
