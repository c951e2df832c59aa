/** D1: one client asks for recipients that do not exist. Ratio test over first contacts (DETECTION B.2), for the client and its network. */
import { readRatio } from '../statistics/ratio-test.ts';
import type { RatioLimits } from '../statistics/ratio-test.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { convictedIn } from './neighbours.ts';
import { tags } from './tags.ts';
import { isTrap } from './trap.ts';

/** ln(.8/.05) and ln(.2/.95): an attacker's list is 80 % wrong, an honest one at most 5 %. */
const natsUnknown = 2.77;
export const natsAccepted = -1.56;
const natsTrap = 3.5;
const limits: RatioLimits = { floor: -8, floorEstablished: -20 };
/** One client alone does not taint its neighbours: only its first bad contacts count for the network. */
const perClientMax = 2;
const priorPerConvicted = 3;
const priorMax = 8;

/** A new client of a network where others were convicted, and nobody was ever good, does not start from zero. */
const priorOf = (network: string, facts: Facts, bench: Bench): number => {
  const neighbours = convictedIn(bench.table, network, facts.seconds);
  if (neighbours === 0) return 0;
  const good = readRatio(bench.table, tags.harvestNetwork, network, facts.seconds).good;
  return good > 0 ? 0 : Math.min(priorMax, priorPerConvicted * neighbours);
};

const observe = (facts: Facts, bench: Bench): void => {
  const { contact, prefix, network, seconds } = facts;
  if (contact === undefined || prefix === undefined || network === undefined) return;
  if (contact.bad) {
    bench.note(facts, {
      attack: 'dictionary',
      target: { kind: 'recipient-domain', value: contact.domain },
      actor: { kind: 'client', value: prefix },
      detail: { kind: 'recipient', value: contact.recipient },
      count: 'unknownRecipients',
      events: 1,
    });
  }
  if (!contact.first) return;
  const trapped = contact.bad && isTrap(bench.table, contact.recipient, seconds);
  const nats = contact.bad ? natsUnknown + (trapped ? natsTrap : 0) : natsAccepted;
  const words = contact.bad
    ? `asked for unknown ${contact.recipient}${trapped ? ', a trap' : ''}`
    : `${contact.recipient} accepted`;
  bench.weigh(facts, {
    detector: 'harvest',
    tag: tags.harvest,
    subject: prefix,
    nats,
    limits,
    start: contact.bad ? priorOf(network, facts, bench) : 0,
    words,
  });
  if (contact.bad && readRatio(bench.table, tags.harvest, prefix, seconds).bad > perClientMax) return;
  bench.weigh(facts, { detector: 'harvest', tag: tags.harvestNetwork, subject: network, nats, limits, words });
};

export const harvest: Detector = {
  name: 'harvest',
  attack: 'dictionary',
  sentence: 'one client or network asks for recipients that do not exist',
  listensTo: ['recipient', 'delivery'],
  observe,
};
