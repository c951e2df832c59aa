/**
 * D5: strangers who ask us to relay. Distinct (sender domain, recipient domain) pairs per client, so that a misconfigured
 * program of our own that repeats one pair counts once; and a crowd that probes once each (DETECTION B.6).
 */
import { domainOf } from '../../model/address.ts';
import { addPartner } from '../statistics/distinct.ts';
import type { RatioLimits } from '../statistics/ratio-test.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { serverAim } from './detector.ts';
import { tags } from './tags.ts';

/** ln(.9/.005). */
const natsDenied = 5.19;
const natsAccepted = -2.3;
const limits: RatioLimits = { floor: -8, floorEstablished: -20 };
const pairDays = 7;
const crowdNetworksMin = 5;
const crowdWindowSeconds = 86_400;

const accepted = (facts: Facts, bench: Bench, prefix: string): void => {
  // Credit only pays a debt that exists: a record for every good client would say nothing.
  if (facts.contact?.first !== true || facts.contact.bad || bench.table.find(tags.relay, prefix) < 0) return;
  bench.weigh(facts, {
    detector: 'relay',
    tag: tags.relay,
    subject: prefix,
    nats: natsAccepted,
    limits,
    words: `${facts.contact.recipient} accepted`,
  });
};

const observe = (facts: Facts, bench: Bench): void => {
  const { event, prefix, network, seconds } = facts;
  if (prefix === undefined || network === undefined || event.account !== undefined) return;
  if (event.outcome !== 'relay-denied') {
    accepted(facts, bench, prefix);
    return;
  }
  const recipientDomain = domainOf(event.recipient ?? '');
  bench.note(facts, {
    attack: 'relay',
    target: serverAim(event),
    actor: { kind: 'client', value: prefix },
    detail: undefined,
    count: 'relayDenied',
    events: 1,
  });
  const pair = `${prefix} ${domainOf(event.sender ?? '')} ${recipientDomain}`;
  if (!bench.firsts.isFirst(tags.relayPair, pair, seconds, pairDays)) return;
  const words = `asked to relay from <${event.sender ?? ''}> to ${recipientDomain}`;
  bench.weigh(facts, { detector: 'relay', tag: tags.relay, subject: prefix, nats: natsDenied, limits, words });
  if (bench.everGood(facts)) return;
  const networks = addPartner(bench.table, tags.relayCrowd, event.server, seconds, network, crowdWindowSeconds);
  if (networks < crowdNetworksMin) return;
  bench.accuse(facts, {
    detector: 'relay',
    attack: 'relay',
    target: serverAim(event),
    actor: undefined,
    crowd: true,
    why: `${networks} networks that never sent good mail asked to relay within a day`,
  });
};

export const relay: Detector = {
  name: 'relay',
  attack: 'relay',
  sentence: 'strangers who ask the server to pass mail on to foreign domains',
  listensTo: ['recipient', 'delivery'],
  observe,
};
