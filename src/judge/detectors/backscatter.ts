/**
 * D4: bounces for mail we never sent, at one address or one domain. The bouncing servers are innocent: nothing here is
 * ever evidence against a client, and the incident names no actors (DETECTION B.5).
 */
import { domainOf } from '../../model/address.ts';
import { exceeds, levelNow } from '../statistics/rate.ts';
import type { Allowance } from '../statistics/rate.ts';
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';
import type { Aim, Bench, Detector, Facts } from './detector.ts';
import { fillingOf } from './mailbox-room.ts';
import { tags } from './tags.ts';

const perAddress: Allowance = { perHour: 20, burst: 30 };
const perDomain: Allowance = { perHour: 60, burst: 100 };
const alarmSeconds = 6 * 3600;

/** True while bounces to this address or domain are held to be a flood. */
export const isVictim = (table: Table, victim: string, seconds: number): boolean => {
  const at = table.find(tags.victimAlarm, victim);
  return at >= 0 && (table.words[at + 4] ?? 0) > seconds;
};

/** So many bounces ahead of the hourly allowance are a flood already where the mailbox is filling fast. */
const fillingBouncesMin = 5;

const floodWords = (victim: string, { burst, perHour }: Allowance): string =>
  `more than ${burst} bounces at once or ${perHour} an hour for ${victim}; the servers that return them are innocent`;

const alarm = (facts: Facts, bench: Bench, victim: string, target: Aim, why: string): void => {
  const at = bench.table.place(tags.victimAlarm, victim, shapes.guarded, facts.seconds);
  if (at >= 0) bench.table.words[at + 4] = facts.seconds + alarmSeconds;
  bench.accuse(facts, {
    detector: 'backscatter',
    attack: 'backscatter',
    target,
    actor: undefined,
    crowd: false,
    why,
  });
};

/** A small mailbox is full long before a flood is one by its rate. */
const alarmIfFilling = (facts: Facts, bench: Bench, recipient: string, domain: Aim): void => {
  const filling = fillingOf(bench.table, recipient, facts.seconds);
  if (filling === undefined) return;
  const level = levelNow(bench.table, tags.victimRate, recipient, facts.seconds, perAddress);
  if (level < fillingBouncesMin) return;
  const hours = Math.max(1, Math.round(filling.fullInSeconds / 3600));
  const why = `bounces for ${recipient} at more than ${perAddress.perHour} an hour, and its mailbox is ${filling.percentUsed} % full and at this pace full within ${hours} h; the servers that return them are innocent`;
  alarm(facts, bench, recipient, domain, why);
};

const observe = (facts: Facts, bench: Bench): void => {
  const { event, seconds } = facts;
  if (event.sender !== '' || event.account !== undefined || event.user !== undefined) return;
  if (event.reason === 'bounce' || event.remote === true || event.client === undefined) return; // our own bounce, or one passed on
  // A refused one and a delivered one are both bounces that came; a deferred delivery is one that came before.
  if (event.kind === 'delivery' ? event.outcome === 'deferred' : event.outcome === 'relay-denied') return;
  // The gate tells of one that it accepts again when it is delivered.
  if (event.server === 'gate' && event.outcome === 'accepted') return;
  const recipient = (event.origin ?? event.recipient)?.toLowerCase();
  if (recipient === undefined) return;
  const domain: Aim = { kind: 'recipient-domain', value: domainOf(recipient) };
  const address: Aim = { kind: 'recipient', value: recipient };
  bench.note(facts, {
    attack: 'backscatter',
    target: domain,
    actor: undefined,
    detail: address,
    count: 'bounces',
    events: 1,
  });
  if (exceeds(bench.table, tags.victimRate, recipient, seconds, perAddress))
    alarm(facts, bench, recipient, domain, floodWords(recipient, perAddress));
  else alarmIfFilling(facts, bench, recipient, domain);
  if (exceeds(bench.table, tags.victimDomainRate, domain.value, seconds, perDomain))
    alarm(facts, bench, domain.value, domain, floodWords(domain.value, perDomain));
};

export const backscatter: Detector = {
  name: 'backscatter',
  attack: 'backscatter',
  sentence: 'bounces for mail that was never sent, at one address or one domain',
  listensTo: ['recipient', 'delivery'],
  observe,
};
