/**
 * D10: an account (or a relay host) whose mail goes to many recipients that do not exist, weighed over distinct recipients
 * (DETECTION B.11) by one of two ratio tests, with context: many networks at once, receivers that call it spam.
 *
 * At home: θ0 = .10 against θ1 = .50, line 11.5, as a known customer's newsletter may have many stale addresses.
 * Away (`account-places.ts`: an account that is new itself, or in a place that is new to it): θ0 = .10 against θ1 = .30,
 * line 5, without the credit that was earned at home. By Wald's bound a sender with 10 % dead addresses passes the line once
 * in e^5 = 150 (measured: 1 in 200), and a thief with 30 % after 35 messages at any speed. Never on fewer than eight
 * dead addresses: that many in a row is more than a mistyped domain in an address book.
 */
import { homeOf } from './account-places.ts';
import { exceedsBackstop } from './invalid-backstop.ts';
import { addPartner } from '../statistics/distinct.ts';
import { readRatio } from '../statistics/ratio-test.ts';
import type { RatioLimits } from '../statistics/ratio-test.ts';
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';
import type { Bench, Detector, Facts, Subject } from './detector.ts';
import { createSettle } from './message-outcomes.ts';
import type { Settle } from './message-outcomes.ts';
import { tags } from './tags.ts';

const natsUnknown = 1.61;
const natsDelivered = -0.59;
const natsUnknownAway = Math.log(0.3 / 0.1);
const natsDeliveredAway = Math.log(0.7 / 0.9);
/** That a known account suddenly sends from a new place. */
const natsNewPlace = 1;
const natsSpamVerdict = 1.5;
const natsManyNetworks = 6;
/** No person sends from so many networks in a day; each step counts once a day. */
const networkSteps = [20, 40] as const;
const holdFrom = 11.5;
const holdFromAway = 5;
const deadMinAway = 8;
const limits: RatioLimits = { floor: -6, floorEstablished: -6 };
const limitsAway: RatioLimits = { floor: -8, floorEstablished: -8 };
const recipientDays = 30;
const networkWindowSeconds = 86_400;
const heldSeconds = 72 * 3600;

/** True while the account's mail is to be held for review. */
export const isHeld = (table: Table, account: string, seconds: number): boolean => {
  const at = table.find(tags.held, account.toLowerCase());
  return at >= 0 && (table.words[at + 4] ?? 0) > seconds;
};

/** Holds its mail from now on, as a person or the ledger wants it. */
export const lockAccount = (table: Table, account: string, seconds: number): void => {
  const at = table.place(tags.held, account.toLowerCase(), shapes.guarded, seconds);
  if (at >= 0) table.words[at + 4] = seconds + heldSeconds;
};

/** Ends it, and forgets what was held against the account: the next dead address is one again. */
export const letAccountGo = (table: Table, account: string, seconds: number): void => {
  const subject = account.toLowerCase();
  const held = table.find(tags.held, subject);
  if (held >= 0) table.words[held + 4] = seconds;
  for (const tag of [tags.accountRecipients, tags.accountAway]) {
    const at = table.find(tag, subject);
    if (at >= 0) table.floats[at + 3] = 0;
  }
};

/** Who answers for this mail: the login, or the client that relays through us without one. */
const ownerOf = (facts: Facts): Subject | undefined => {
  const { event } = facts;
  if (event.account !== undefined && event.account !== '')
    return { kind: 'account', value: event.account.toLowerCase() };
  if (event.user !== undefined || event.origin !== undefined || event.remote !== true) return undefined;
  return facts.prefix === undefined ? undefined : { kind: 'relay-host', value: facts.prefix };
};

const natsOf = (facts: Facts): number => {
  const { event } = facts;
  if (event.kind === 'recipient') return event.outcome === 'unknown' ? natsUnknown : 0;
  if (event.outcome === 'sent') return natsDelivered;
  if (event.outcome !== 'bounced') return 0;
  // 5.1.1 bad mailbox, 5.1.2 bad domain, 5.1.10 null MX (RFC 3463, RFC 7505); 5.7.1 is how receivers call it spam.
  if (event.dsn?.startsWith('5.1.') === true) return natsUnknown;
  return event.dsn === '5.7.1' ? natsSpamVerdict : 0;
};

const hold = (facts: Facts, bench: Bench, owner: Subject, how: string): void => {
  lockAccount(bench.table, owner.value, facts.seconds);
  bench.accuse(facts, {
    detector: 'compromised-account',
    attack: 'compromised-account',
    target: { kind: 'account', value: owner.value },
    actor: owner,
    crowd: false,
    why: `${owner.value} ${how}`,
  });
};

const byScore = (where: string, score: number, line: number): string =>
  `sends${where} to many recipients that do not exist (score ${score.toFixed(1)} of ${line})`;

const contextNats = (facts: Facts, bench: Bench, owner: Subject): number => {
  const { event, network, seconds } = facts;
  if (event.kind !== 'message' || owner.kind !== 'account' || network === undefined) return 0;
  const networks = addPartner(bench.table, tags.accountNetworks, owner.value, seconds, network, networkWindowSeconds);
  const passed = networkSteps.filter(
    (step) => networks > step && bench.firsts.isFirst(tags.accountNetworkStep, `${owner.value} ${step}`, seconds, 1),
  );
  return passed.length * natsManyNetworks;
};

/** Weighs an outcome by the stricter test of who is not at home. */
const weighAway = (facts: Facts, bench: Bench, owner: Subject, own: number, start: number, words: string): void => {
  const score = bench.weigh(facts, {
    detector: 'compromised-account',
    tag: tags.accountAway,
    subject: owner.value,
    nats: own < 0 ? natsDeliveredAway : natsUnknownAway,
    limits: limitsAway,
    start,
    words: `${words}, from a place that is new to it`,
  });
  if (score < holdFromAway) return;
  if (readRatio(bench.table, tags.accountAway, owner.value, facts.seconds).bad < deadMinAway) return;
  hold(facts, bench, owner, byScore(' from a place that is new to it', score, holdFromAway));
};

/** The first outcome of each recipient, weighed; the words for `explain`. */
const weighOutcome = (facts: Facts, bench: Bench, owner: Subject, invalidPerHour: number): void => {
  const { event, network, seconds } = facts;
  const recipient = event.recipient?.toLowerCase();
  if (recipient === undefined) return;
  const own = natsOf(facts);
  const home =
    network !== undefined && owner.kind === 'account' ? homeOf(bench.table, owner.value, network, seconds) : 'home';
  if (own === 0 || !bench.firsts.isFirst(tags.accountRecipient, `${owner.value} ${recipient}`, seconds, recipientDays))
    return;
  const words = `${recipient} ${event.outcome ?? ''}`;
  const term = { detector: 'compromised-account', tag: tags.accountRecipients, subject: owner.value } as const;
  const score = bench.weigh(facts, { ...term, limits, words, nats: own });
  if (score >= holdFrom) hold(facts, bench, owner, byScore('', score, holdFrom));
  if (home !== 'home') weighAway(facts, bench, owner, own, home === 'away' ? natsNewPlace : 0, words);
  if (own !== natsSpamVerdict && exceedsBackstop(bench.table, owner.value, seconds, own > 0, invalidPerHour))
    hold(facts, bench, owner, `reached ${invalidPerHour} recipients that do not exist within an hour`);
};

/** Dead addresses at once, for the incident; the weighing may wait for the rest of the message. */
const noteDead = (facts: Facts, bench: Bench, owner: Subject, own: number): void =>
  bench.note(facts, {
    attack: 'compromised-account',
    target: { kind: 'account', value: owner.value },
    actor: owner,
    detail: undefined,
    count: own === natsSpamVerdict ? 'spamVerdicts' : 'invalidRecipients',
    events: 1,
  });

const weighContext = (facts: Facts, bench: Bench, owner: Subject): void => {
  const nats = contextNats(facts, bench, owner);
  if (nats === 0) return;
  const words = 'sends from very many networks';
  const term = { detector: 'compromised-account', tag: tags.accountRecipients, subject: owner.value } as const;
  const score = bench.weigh(facts, { ...term, limits, nats, words });
  if (score >= holdFrom) hold(facts, bench, owner, byScore('', score, holdFrom));
};

const observe = (facts: Facts, bench: Bench, settle: Settle, invalidPerHour: number): void => {
  const owner = ownerOf(facts);
  const { event, network, seconds } = facts;
  if (owner === undefined || event.reason === 'bounce') return;
  if (event.kind === 'auth') {
    if (event.outcome === 'success' && network !== undefined) homeOf(bench.table, owner.value, network, seconds);
    return;
  }
  weighContext(facts, bench, owner);
  const own = natsOf(facts);
  if (own > 0 && event.recipient !== undefined) noteDead(facts, bench, owner, own);
  for (const settled of settle(facts, own > 0)) {
    const whose = ownerOf(settled);
    if (whose !== undefined) weighOutcome(settled, bench, whose, invalidPerHour);
  }
};

/** @param invalidPerHour the backstop's own number; 0: none */
export const compromisedAccount = (invalidPerHour: number): Detector => {
  const settle = createSettle();
  return {
    name: 'compromised-account',
    attack: 'compromised-account',
    sentence: 'an account or relay host sends to many recipients that do not exist',
    listensTo: ['auth', 'recipient', 'delivery', 'message'],
    observe: (facts, bench) => observe(facts, bench, settle, invalidPerHour),
  };
};
