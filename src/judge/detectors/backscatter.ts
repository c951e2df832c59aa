/**
 * D4: bounces for mail we never sent, at one address or one domain. The bouncing servers are innocent: nothing here is
 * ever evidence against a client, and the incident names no actors (DETECTION B.5).
 */
import { domainOf } from '../../model/address.ts';
import { exceeds } from '../statistics/rate.ts';
import type { Allowance } from '../statistics/rate.ts';
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';
import type { Aim, Bench, Detector, Facts } from './detector.ts';
import { tags } from './tags.ts';

const perAddress: Allowance = { perHour: 20, burst: 30 };
const perDomain: Allowance = { perHour: 60, burst: 100 };
const alarmSeconds = 6 * 3600;

/** True while bounces to this address or domain are held to be a flood. */
export const isVictim = (table: Table, victim: string, seconds: number): boolean => {
  const at = table.find(tags.victimAlarm, victim);
  return at >= 0 && (table.words[at + 4] ?? 0) > seconds;
};

const alarm = (facts: Facts, bench: Bench, victim: string, target: Aim, allowance: Allowance): void => {
  const at = bench.table.place(tags.victimAlarm, victim, shapes.guarded, facts.seconds);
  if (at >= 0) bench.table.words[at + 4] = facts.seconds + alarmSeconds;
  bench.accuse(facts, {
    detector: 'backscatter',
    attack: 'backscatter',
    target,
    actor: undefined,
    crowd: false,
    why: `more than ${allowance.burst} bounces at once or ${allowance.perHour} an hour for ${victim}; the servers that return them are innocent`,
  });
};

const observe = (facts: Facts, bench: Bench): void => {
  const { event, seconds } = facts;
  if (event.sender !== '' || event.account !== undefined || event.user !== undefined) return;
  if (event.reason === 'bounce' || event.remote === true || event.client === undefined) return; // our own bounce, or one passed on
  // A refused one and a delivered one are both bounces that came; a deferred delivery is one that came before.
  if (event.kind === 'delivery' ? event.outcome === 'deferred' : event.outcome === 'relay-denied') return;
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
    alarm(facts, bench, recipient, domain, perAddress);
  if (exceeds(bench.table, tags.victimDomainRate, domain.value, seconds, perDomain))
    alarm(facts, bench, domain.value, domain, perDomain);
};

export const backscatter: Detector = {
  name: 'backscatter',
  attack: 'backscatter',
  sentence: 'bounces for mail that was never sent, at one address or one domain',
  listensTo: ['recipient', 'delivery'],
  observe,
};
