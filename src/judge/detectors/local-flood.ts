/**
 * D11: a flood that starts here: a script (local user), a relay host or a forward alias, by its rate of recipients, and
 * the bounces that our own server makes of it (DETECTION B.12).
 */
import { exceeds } from '../statistics/rate.ts';
import type { Allowance } from '../statistics/rate.ts';
import type { Bench, Detector, Facts, Subject } from './detector.ts';
import { tags } from './tags.ts';

const perSource: Allowance = { perHour: 100, burst: 200 };
/** A relay host is a whole mail server. */
const perRelayHost: Allowance = { perHour: 5000, burst: 10_000 };

type Source = { readonly subject: Subject; readonly allowance: Allowance; readonly words: string };

const sourceOf = (facts: Facts): Source | undefined => {
  const { event } = facts;
  if (event.kind !== 'delivery' || event.outcome === 'deferred') return undefined;
  if (event.user !== undefined)
    return { subject: { kind: 'user', value: event.user }, allowance: perSource, words: `local user ${event.user}` };
  if (event.account !== undefined || event.remote !== true || event.sender === undefined) return undefined;
  if (event.origin !== undefined && event.origin !== event.recipient) {
    return {
      subject: { kind: 'user', value: event.origin },
      allowance: perSource,
      words: `the forward ${event.origin}`,
    };
  }
  if (facts.prefix === undefined) return undefined;
  return {
    subject: { kind: 'relay-host', value: facts.prefix },
    allowance: perRelayHost,
    words: `relay host ${facts.prefix}`,
  };
};

const observe = (facts: Facts, bench: Bench): void => {
  const source = sourceOf(facts);
  if (source === undefined) return;
  const { subject, allowance } = source;
  const bounced = facts.event.outcome === 'bounced';
  const target = { kind: 'account', value: subject.value } as const;
  bench.note(facts, {
    attack: 'outbound-flood',
    target,
    actor: subject,
    detail: undefined,
    count: bounced ? 'bounced' : 'recipients',
    events: 1,
  });
  if (!exceeds(bench.table, tags.localRate, subject.value, facts.seconds, allowance)) return;
  bench.accuse(facts, {
    detector: 'local-flood',
    attack: 'outbound-flood',
    target,
    actor: subject,
    crowd: false,
    why: `${source.words} sent to more than ${allowance.burst} recipients at once or ${allowance.perHour} an hour`,
  });
};

export const localFlood: Detector = {
  name: 'local-flood',
  attack: 'outbound-flood',
  sentence: 'a script, relay host or forward of ours floods others with mail',
  listensTo: ['delivery'],
  observe,
};
