/**
 * Incidents: evidence by attack and target, opened when a detector accuses, closed after six quiet hours. Twenty
 * thousand addresses guessing at one domain are one incident with twenty thousand actors.
 */
import { keep } from '../model/keep.ts';
import type { AttackName } from '../model/attack.ts';
import type { Incident } from '../model/report.ts';
import { createCampaigns } from './evidence/campaign.ts';
import type { Accusation, Aim, Note, Subject } from './detectors/detector.ts';
import {
  absorb,
  addActor,
  addDetail,
  addHabit,
  createKeys,
  newEvidence,
  restoredEvidence,
  sharedActors,
} from './evidence/evidence.ts';
import type { ActorRecord, Evidence } from './evidence/evidence.ts';
import { renderEvidence } from './evidence/render.ts';
import { byPair } from './statistics/by-pair.ts';
import { hashInto } from './statistics/hash.ts';

export type IncidentChange = { readonly change: 'opened' | 'grew' | 'closed'; readonly incident: Incident };

const quietMs = 6 * 3600_000;
const forgetMs = 24 * 3600_000;
const crowdWindowMs = 24 * 3600_000;
const evidenceMax = 4096;
const closedMax = 10_000;
/** Of all that is open, and of all that is closed: each has 50,000 at most, and there may be thousands. */
const actorsMax = 500_000;
/** A target beyond this is absorbed again each time it is recognised. */
const aliasesMax = 10_000;
const sweepEveryMs = 60_000;
const sharedActorsMin = 0.5;
/** More crowds of one attack at once than this are one crowd. */
const crowdsMax = 2;

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const idOf = (key: string, opened: number): string => {
  const hash = { low: 0, high: 0 };
  hashInto(hash, 1, 0, `${key} ${opened}`);
  let id = '';
  for (let i = 0, rest = hash.low; i < 6; i++, rest = Math.floor(rest / 32)) id += alphabet[rest % 32] ?? '';
  return id;
};

export type IncidentStore = {
  readonly note: (note: Note, time: number, habits?: readonly string[]) => void;
  readonly accuse: (accusation: Accusation, time: number) => void;
  /** Closes what has been quiet; cheap, call it with every event. */
  readonly sweep: (time: number) => void;
  /** The open incident in which a client is accused. */
  readonly idOf: (attack: AttackName, client: string) => string | undefined;
  /** All recognised incidents, most events first. */
  readonly list: () => readonly Incident[];
};

type Wiring = {
  /** Was this actor (a client) ever good? Then it does not belong to a crowd. */
  readonly isGood: (actor: string, time: number) => boolean;
  readonly isProtected: (actor: string) => boolean;
  readonly announce: (change: IncidentChange) => void;
  /** Open when the guard stopped: they go on, and nothing is announced. */
  readonly restored: readonly Incident[];
};

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const createIncidents = (wiring: Wiring): IncidentStore => {
  const open = new Map<string, Evidence>();
  const closed: Incident[] = [];
  let closedActors = 0;
  const keyOf = createKeys();
  /** Where a client was accused: attack and client to the incident's key. */
  const homes = byPair<AttackName, string>();
  /** Targets whose evidence went into another incident: key to key. */
  const aliases = new Map<string, string>();
  const campaigns = createCampaigns();
  let sweptAt = 0;
  /** No open evidence is over before. */
  let nextOver = Infinity;

  const belongs = (evidence: Evidence, actor: ActorRecord): boolean => {
    if (actor.accused) return true;
    if (!evidence.crowd || evidence.recognised === undefined) return false;
    if (actor.last < evidence.recognised.time - crowdWindowMs || wiring.isProtected(actor.value)) return false;
    return !wiring.isGood(actor.value, actor.last);
  };

  const render = (evidence: Evidence): Incident =>
    renderEvidence(
      evidence,
      [...evidence.actors.values()].filter((actor) => belongs(evidence, actor)),
    );

  const close = (key: string, evidence: Evidence, time: number): void => {
    open.delete(key);
    for (const [target, into] of aliases) if (into === key) aliases.delete(target);
    for (const actor of evidence.actors.values()) if (actor.accused) homes.delete(evidence.attack, actor.value);
    if (evidence.recognised === undefined) return;
    evidence.closed = Math.min(time, evidence.last + quietMs);
    campaigns.remember(evidence);
    const incident = render(evidence);
    closed.push(incident);
    closedActors += incident.actors.length;
    while (closed.length > closedMax || (closedActors > actorsMax && closed.length > 1))
      closedActors -= closed.shift()?.actors.length ?? 0;
    wiring.announce({ change: 'closed', incident });
  };

  const overAt = (evidence: Evidence): number =>
    evidence.last + (evidence.recognised === undefined ? forgetMs : quietMs);

  const isOver = (evidence: Evidence, time: number): boolean => time > overAt(evidence);

  const expectOver = (evidence: Evidence): void => {
    nextOver = Math.min(nextOver, overAt(evidence));
  };

  /** The one that was opened first and accuses nobody; only when there is none, the first. @returns how many actors it had */
  const closeOne = (): number => {
    const entries = open.entries();
    const [key, evidence] = entries.find(([, { recognised }]) => recognised === undefined) ?? [...open][0] ?? [];
    if (key === undefined || evidence === undefined) return 0;
    close(key, evidence, evidence.last);
    return evidence.actors.size;
  };

  const makeRoom = (): void => {
    if (open.size >= evidenceMax) closeOne();
  };

  const forgetActors = (): void => {
    let kept = open.values().reduce((sum, { actors }) => sum + actors.size, 0);
    while (open.size > 1 && kept > actorsMax) kept -= closeOne();
  };

  /** A client that attacks one domain after the other stays in the incident where it was accused. */
  const homeOf = (attack: AttackName, actor: Subject | undefined, time: number): Evidence | undefined => {
    const key = actor === undefined ? undefined : homes.get(attack, actor.value);
    const home = key === undefined ? undefined : open.get(key);
    return home === undefined || isOver(home, time) ? undefined : home;
  };

  const evidenceFor = (attack: AttackName, target: Aim, actor: Subject | undefined, time: number): Evidence => {
    const home = homeOf(attack, actor, time);
    if (home !== undefined) return home;
    const own = keyOf(attack, target);
    const alias = aliases.size === 0 ? undefined : aliases.get(own);
    const key = alias !== undefined && open.has(alias) ? alias : own;
    const known = open.get(key);
    if (known !== undefined && !isOver(known, time)) return known;
    if (known !== undefined) close(key, known, time);
    makeRoom();
    const fresh = newEvidence(idOf(own, time), attack, { kind: target.kind, value: keep(target.value) }, time);
    open.set(own, fresh);
    expectOver(fresh);
    return fresh;
  };

  /** One account under siege inside an attack on the whole server is a target of that attack, not another one. */
  const isPartOfServerAttack = (accusation: Accusation): boolean =>
    accusation.attack === 'password-guessing' &&
    accusation.target.kind === 'account' &&
    open.get(keyOf('password-guessing', { kind: 'server', value: '' }))?.recognised !== undefined;

  const isKin = (evidence: Evidence, other: Evidence): boolean =>
    other.attack === evidence.attack && other.recognised !== undefined;

  /**
   * Another open incident of this attack with mostly the same actors, or the first of several crowds at once: one
   * attack, whatever its targets. (A crowd that guesses at every domain of a provider uses each address once.)
   */
  const twinOf = (evidence: Evidence): Evidence | undefined => {
    let crowd: Evidence | undefined;
    let crowds = 0;
    for (const other of open.values()) {
      if (!other.crowd || other === evidence || !isKin(evidence, other)) continue;
      crowd ??= other;
      if (++crowds >= crowdsMax) return crowd;
    }
    for (const other of open.values()) {
      if (other === evidence || !isKin(evidence, other)) continue;
      if (sharedActors(evidence, other) >= sharedActorsMin * Math.min(evidence.actors.size, other.actors.size))
        return other;
    }
    return undefined;
  };

  /** From now on what is against this target belongs to its twin. True when there is one. */
  const absorbed = (evidence: Evidence): boolean => {
    const twin = evidence.crowd ? twinOf(evidence) : undefined;
    if (twin === undefined) return false;
    absorb(twin, evidence);
    const key = keyOf(evidence.attack, evidence.target);
    open.delete(key);
    if (aliases.size < aliasesMax) aliases.set(key, keyOf(twin.attack, twin.target));
    return true;
  };

  const recognise = (evidence: Evidence, accusation: Accusation, eventsBefore: number, time: number): void => {
    evidence.recognised = { time, eventsBefore, why: keep(accusation.why) };
    expectOver(evidence);
    evidence.campaign = campaigns.find(evidence);
    evidence.announcedEvents = evidence.events;
    wiring.announce({ change: 'opened', incident: render(evidence) });
  };

  const announceGrowth = (evidence: Evidence): void => {
    if (evidence.recognised === undefined || evidence.events < 2 * evidence.announcedEvents || evidence.events < 50)
      return;
    evidence.announcedEvents = evidence.events;
    wiring.announce({ change: 'grew', incident: render(evidence) });
  };

  for (const incident of wiring.restored) {
    const evidence = restoredEvidence(incident);
    const key = keyOf(evidence.attack, evidence.target);
    open.set(key, evidence);
    expectOver(evidence);
    for (const { value, accused } of evidence.actors.values()) if (accused) homes.set(evidence.attack, value, key);
  }

  return {
    note: (note, time, habits = []) => {
      const evidence = evidenceFor(note.attack, note.target, note.actor, time);
      evidence.events += note.events;
      evidence.last = Math.max(evidence.last, time);
      evidence.counts.set(note.count, (evidence.counts.get(note.count) ?? 0) + note.events);
      if (note.actor !== undefined && addActor(evidence, note.actor, time, note.events) === undefined)
        evidence.actorsUncounted++;
      if (note.detail !== undefined) addDetail(evidence, note.detail, note.events);
      for (const habit of habits) addHabit(evidence, habit, note.events);
      if (note.target.value !== evidence.target.value) addDetail(evidence, note.target, note.events);
      announceGrowth(evidence);
    },
    accuse: (accusation, time) => {
      if (isPartOfServerAttack(accusation)) return;
      const evidence = evidenceFor(accusation.attack, accusation.target, accusation.actor, time);
      const actor = accusation.actor === undefined ? undefined : addActor(evidence, accusation.actor, time, 0);
      if (actor !== undefined && !actor.accused) {
        actor.accused = true;
        homes.set(accusation.attack, actor.value, keyOf(evidence.attack, evidence.target));
      }
      evidence.crowd ||= accusation.crowd;
      if (evidence.recognised === undefined && !absorbed(evidence))
        recognise(evidence, accusation, actor?.events ?? evidence.events, time);
    },
    sweep: (time) => {
      if (time < sweptAt) sweptAt = time;
      if (time - sweptAt < sweepEveryMs) return;
      sweptAt = time;
      forgetActors();
      if (time <= nextOver) return;
      nextOver = Infinity;
      for (const [key, evidence] of open) {
        if (isOver(evidence, time)) close(key, evidence, time);
        else expectOver(evidence);
      }
    },
    idOf: (attack, client) => open.get(homes.get(attack, client) ?? '')?.id,
    list: () =>
      [
        ...closed,
        ...open
          .values()
          .filter((evidence) => evidence.recognised !== undefined)
          .map(render),
      ].toSorted((a, b) => (b.targets[0]?.events ?? 0) - (a.targets[0]?.events ?? 0) || a.opened - b.opened),
  };
};
