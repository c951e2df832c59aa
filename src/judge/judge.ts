/**
 * The judge: events in; standings, verdicts, incidents out. Pure: no I/O, no clock, no randomness; the table's memory is
 * handed in, time comes with the event. The same code judges a live session, last week's log and a replay of it.
 */
import { domainOf, networkOf } from '../model/address.ts';
import type { JudgedEvent, EventKind } from '../model/event.ts';
import type { Tell } from '../model/ports.ts';
import type { Incident, Report } from '../model/report.ts';
import type { Standing } from '../model/standing.ts';
import { allDetectors } from './detectors/all.ts';
import { contactOf } from './detectors/contact.ts';
import { isHeld } from './detectors/compromised-account.ts';
import { serverAim } from './detectors/detector.ts';
import type { Accusation, Aim, Bench, Detector, DetectorName, Facts, WeighedTerm } from './detectors/detector.ts';
import { loginOf } from './detectors/login.ts';
import { noteConvicted } from './detectors/neighbours.ts';
import { tags } from './detectors/tags.ts';
import { isAllowed } from './by-hand.ts';
import { createDoubts, isDoubted } from './doubt.ts';
import type { Doubt } from './doubt.ts';
import { createEcho } from './echo.ts';
import { convict, hostileUntil } from './standing/hostile.ts';
import { markFlooding, shutOutSeconds } from './standing/flood.ts';
import { createHabits } from './evidence/habit.ts';
import { createIncidents } from './incidents.ts';
import { createIntake } from './intake.ts';
import type { IncidentChange } from './incidents.ts';
import { convictionEstablished, convictionFrom, deferFrom, levelOf } from './ladder.ts';
import type { Memory } from './memory.ts';
import { isPutOff, rememberPutOff } from './standing/put-off.ts';
import { createPlaces } from './places.ts';
import type { Place } from './places.ts';
import { clientScore, clientTags, mainDetector, wasEverGood } from './score.ts';
import { modeOf } from './settings.ts';
import type { JudgeSettings } from './settings.ts';
import { isAlarmed } from './statistics/contact-blocks.ts';
import { addPartner } from './statistics/distinct.ts';
import { addContact, readRatio } from './statistics/ratio-test.ts';
import { createTally } from './tally.ts';

/** So many different names after it was put off: no mail server's retry, but a list. */
const refusedAimsMin = 10;
const refusedWindowSeconds = 86_400;

/** A term as it was added: what `explain` tells of a subject's history. */
type Weighing = WeighedTerm & { readonly time: number; readonly score: number };

export type Judge = {
  readonly tell: Tell;
  /** What was found so far; the input part is the caller's. @param most how many of each list but the incidents; all without it */
  readonly report: (most?: number) => Omit<Report, 'version' | 'input'>;
  readonly standingOf: (client: string) => Standing;
};

/** A client became hostile: what an action outside the dialogue may follow. */
export type Conviction = {
  /** IPv4 address or IPv6 /64. */
  readonly client: string;
  readonly detector: DetectorName;
  readonly incident: string | undefined;
  /** Milliseconds since 1970. */
  readonly until: number;
  /** It, or its network, delivered mail to somebody or logged in before. */
  readonly everGood: boolean;
  readonly why: string;
};

type Listener = {
  readonly convicted?: (conviction: Conviction) => void;
  /** Incidents that were open when the guard stopped. */
  readonly restored?: readonly Incident[];
  readonly announce?: (change: IncidentChange) => void;
  readonly weighed?: (weighing: Weighing) => void;
  /** Evidence that is not believed. */
  readonly doubted?: (doubt: Doubt) => void;
};

/** Refused for another reason than a recipient or a password: perhaps by us. */
const isRefusal = (event: JudgedEvent): boolean =>
  event.kind === 'recipient'
    ? event.outcome === 'deferred' || event.outcome === 'rejected'
    : event.kind === 'auth' && event.reason === 'policy';

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const createJudge = (memory: Memory, settings: JudgeSettings, listener: Listener = {}): Judge => {
  const { table, firsts } = memory;
  const tally = createTally();
  const intake = createIntake();
  const isEcho = createEcho();
  const doubts = createDoubts(table, listener.doubted ?? (() => undefined));
  const isProtectedPrefix = (prefix: string): boolean => settings.isProtected(prefix.replace('/64', ''));
  let latestSeconds = 0;

  const incidents = createIncidents({
    isGood: (actor, time) => wasEverGood(table, actor, networkOf(actor.replace('/64', '')), Math.floor(time / 1000)),
    isProtected: isProtectedPrefix,
    announce: listener.announce ?? (() => undefined),
    restored: listener.restored ?? [],
  });

  /** Says whose attack it is: of the detector that holds most against the client, or of one that would convict alone. */
  const accuseClient = (facts: Facts, term: WeighedTerm, own: number, score: number, threshold: number): void => {
    const { seconds } = facts;
    const prefix = term.subject;
    if (own < convictionFrom && hostileUntil(table, prefix, seconds) > 0) return;
    const detector = own >= convictionFrom ? term.detector : (mainDetector(table, prefix, seconds) ?? term.detector);
    const attack = attackOf.get(detector);
    if (attack === undefined) return;
    const target: Aim =
      attack === 'dictionary' && facts.contact !== undefined
        ? { kind: 'recipient-domain', value: facts.contact.domain }
        : serverAim(facts.event);
    const why = `${prefix} ${term.words}: score ${score.toFixed(1)} of ${threshold}`;
    incidents.accuse(
      { detector, attack, target, actor: { kind: 'client', value: prefix }, crowd: false, why },
      facts.event.time,
    );
  };

  /** What may be done about a client outside the dialogue. @param until seconds since 1970 */
  const tellConviction = (facts: Facts, client: string, detector: DetectorName, until: number, why: string): void => {
    const { network, seconds } = facts;
    const attack = attackOf.get(detector);
    listener.convicted?.({
      client,
      detector,
      incident: attack === undefined ? undefined : incidents.idOf(attack, client),
      until: until * 1000,
      everGood: network !== undefined && wasEverGood(table, client, network, seconds),
      why,
    });
  };

  /** One address of a /64 may be protected: the others are judged, and it is not judged by its own doing. */
  const isProtected = ({ event: { client } }: Facts, prefix: string): boolean =>
    isProtectedPrefix(prefix) || (client !== undefined && settings.isProtected(client));

  const mayTouch = (facts: Facts, prefix: string): boolean => {
    const client = prefix.replace('/64', '');
    const { seconds } = facts;
    return !isProtected(facts, prefix) && !isAllowed(table, client, seconds) && !isDoubted(table, client, seconds);
  };

  const convictIfDue = (facts: Facts, term: WeighedTerm, own: number): void => {
    const { seconds, network } = facts;
    const prefix = term.subject;
    if (modeOf(settings, term.detector) === 'observe') {
      // Reported like any other, but it counts for no verdict.
      if (own >= convictionFrom) accuseClient(facts, term, own, own, convictionFrom);
      return;
    }
    const score = clientScore(table, prefix, seconds, settings);
    if (score < convictionFrom) return;
    const { established } = readRatio(table, tags.harvest, prefix, seconds);
    const threshold = established ? convictionEstablished : convictionFrom;
    if (score < threshold) return;
    accuseClient(facts, term, own, score, threshold);
    // An established sender is slowed and cut, never convicted; nor is whoever we must not lock out.
    if (established || !mayTouch(facts, prefix)) return;
    const fresh = hostileUntil(table, prefix, seconds) === 0;
    const until = convict(table, prefix, seconds);
    const main = mainDetector(table, prefix, seconds) ?? term.detector;
    if (fresh && until > 0) tellConviction(facts, prefix, main, until, `${prefix} ${term.words}`);
    if (fresh && network !== undefined) noteConvicted(table, network, prefix, seconds);
  };

  const turnAway = (facts: Facts, { detector, actor, why }: Accusation): void => {
    const { seconds } = facts;
    if (actor === undefined || modeOf(settings, detector) !== 'enforce' || !mayTouch(facts, actor.value)) return;
    if (markFlooding(table, actor.value, seconds))
      tellConviction(facts, actor.value, detector, seconds + shutOutSeconds, why);
  };

  const placeOf = createPlaces();
  const habitsOf = createHabits();
  const attackOf = new Map<string, Detector['attack']>();
  const bench: Bench = {
    table,
    firsts,
    weigh: (facts, term) => {
      const score = addContact(table, term.tag, term.subject, facts.seconds, term.nats, term.limits, term.start);
      listener.weighed?.({ ...term, time: facts.event.time, score });
      if (term.nats > 0 && clientTags.has(term.tag)) convictIfDue(facts, term, score);
      return score;
    },
    note: (facts, note) => incidents.note(note, facts.event.time, habitsOf(facts.event)),
    accuse: (facts, accusation) => {
      incidents.accuse(accusation, facts.event.time);
      if (accusation.forLoad === true) turnAway(facts, accusation);
    },
    everGood: ({ prefix, network, seconds }) =>
      prefix !== undefined && network !== undefined && wasEverGood(table, prefix, network, seconds),
  };

  const listeners = new Map<EventKind, Detector[]>();
  for (const detector of allDetectors((seconds) => seconds < settings.learningUntil, settings.invalidPerHour)) {
    attackOf.set(detector.name, detector.attack);
    if (modeOf(settings, detector.name) === 'off') continue;
    for (const kind of detector.listensTo) listeners.set(kind, [...(listeners.get(kind) ?? []), detector]);
  }

  const factsOf = (event: JudgedEvent, place: Place | undefined, seconds: number): Facts => {
    const prefix = place?.prefix;
    const network = place?.network;
    const isContact = event.kind === 'recipient' || event.kind === 'delivery';
    const known = prefix !== undefined && network !== undefined;
    return {
      event,
      seconds,
      prefix,
      network,
      contact: known && isContact ? contactOf(event, prefix, network, seconds, table, firsts) : undefined,
      login: known && event.kind === 'auth' ? loginOf(event, prefix, network, seconds, table, firsts) : undefined,
    };
  };

  /** What a crowd is refused keeps its incident open; nobody is accused by it, an honest newcomer is refused as well. */
  const noteDeferral = (facts: Facts, network: string): void => {
    const { event, prefix, seconds } = facts;
    rememberPutOff(table, network, seconds);
    const domain = domainOf(event.recipient ?? '');
    if (prefix === undefined || !isAlarmed(table, tags.harvestBlocks, domain, seconds)) return;
    if (wasEverGood(table, prefix, network, seconds)) return;
    const target: Aim = { kind: 'recipient-domain', value: domain };
    incidents.note(
      { attack: 'dictionary', target, actor: undefined, detail: undefined, count: 'refusedNewcomers', events: 1 },
      event.time,
    );
  };

  /** Whom we cut never gets as far as a conviction; when it goes on all the same, it is an incident too. */
  const recogniseCut = (facts: Facts): void => {
    const { event, prefix, seconds } = facts;
    if (prefix === undefined || isProtected(facts, prefix) || hostileUntil(table, prefix, seconds) > 0) return;
    const score = clientScore(table, prefix, seconds, settings);
    if (score < deferFrom) return;
    const aim = event.recipient ?? event.account ?? '';
    if (addPartner(table, tags.refusedAims, prefix, seconds, aim, refusedWindowSeconds) < refusedAimsMin) return;
    if (readRatio(table, tags.harvest, prefix, seconds).established) return;
    const detector = mainDetector(table, prefix, seconds);
    const attack = detector === undefined ? undefined : attackOf.get(detector);
    if (detector === undefined || attack === undefined) return;
    const target: Aim =
      attack === 'dictionary' && event.recipient !== undefined
        ? { kind: 'recipient-domain', value: domainOf(event.recipient) }
        : serverAim(event);
    const why = `${prefix} was put off (score ${score.toFixed(1)}, from ${deferFrom}) and asked for ${refusedAimsMin} more names`;
    const actor = { kind: 'client', value: prefix } as const;
    incidents.accuse({ detector, attack, target, actor, crowd: false, why }, event.time);
  };

  const standingOf = (client: string): Standing => {
    if (isProtectedPrefix(client)) return 'trusted';
    if (hostileUntil(table, client, latestSeconds) > 0) return 'hostile';
    return levelOf(clientScore(table, client, latestSeconds, settings)) === 'none' ? 'unknown' : 'suspect';
  };

  return {
    standingOf,
    tell: (told) => {
      const whole = intake(told);
      if (isEcho(whole)) return;
      const event = doubts.examine(whole);
      const seconds = Math.floor(event.time / 1000);
      latestSeconds = seconds;
      incidents.sweep(event.time);
      const detectors = listeners.get(event.kind);
      const count = tally.counterFor(event.kind);
      const putOff = isPutOff(event);
      if (detectors === undefined && count === undefined && !putOff) return;
      const place = event.client === undefined ? undefined : placeOf(event.client);
      count?.(event, place?.prefix);
      if (detectors === undefined && !putOff) return;
      const facts = factsOf(event, place, seconds);
      if (putOff && facts.network !== undefined) noteDeferral(facts, facts.network);
      if (doubts.isFault(facts)) return;
      if (isRefusal(event)) recogniseCut(facts);
      for (const detector of detectors ?? []) detector.observe(facts, bench);
    },
    report: (most = Infinity) => {
      // What needs much memory for a while comes first, what stays comes last.
      const networks = tally.networks(standingOf, most);
      const offenders = tally.offenders(standingOf, most);
      return {
        incidents: incidents.list(),
        offenders,
        networks,
        accounts: tally.accounts((account) => (isHeld(table, account, latestSeconds) ? 'hostile' : 'unknown'), most),
        domains: tally.domains(most),
        senders: tally.senders(most),
      };
    },
  };
};
