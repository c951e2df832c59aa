/**
 * D15: sender domains that do not exist make our own checks flood our resolver. Distinct domains per client, first contacts
 * only; and a crowd with a domain or two each. A client is put off, never convicted for it: a resolver of ours that fails looks
 * the same in a log ("Domain not found"), and when networks that were good before meet it too, nothing of it is believed.
 */
import { domainOf } from '../../model/address.ts';
import type { JudgedEvent, ServerName } from '../../model/event.ts';
import { addToBlock, isAlarmed } from '../statistics/contact-blocks.ts';
import { addPartner } from '../statistics/distinct.ts';
import type { RatioLimits } from '../statistics/ratio-test.ts';
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { serverAim } from './detector.ts';
import { tags } from './tags.ts';

/** ln(.9/.05) and ln(.1/.95): of an honest client's sender domains one in twenty does not exist. */
const natsMissing = 2.89;
const natsThere = -2.25;
const limits: RatioLimits = { floor: -8, floorEstablished: -20 };
/** Three more missing domains than an honest client has: it is put off from there. */
const accuseFrom = 8;
const days = 1;
/** So many networks that were good before within an hour, and the fault is ours for a while. */
const goodNetworksMin = 3;
const goodWindowSeconds = 3600;
const faultSeconds = 600;

export const isStormy = (table: Table, server: ServerName, seconds: number): boolean =>
  isAlarmed(table, tags.senderBlocks, server, seconds);

/** The resolver does not answer, as it seems. */
const isFault = (table: Table, server: ServerName, seconds: number): boolean => {
  const at = table.find(tags.senderFault, server);
  return at >= 0 && (table.words[at + 4] ?? 0) > seconds;
};

const noteFault = (table: Table, server: ServerName, network: string, seconds: number): void => {
  if (addPartner(table, tags.senderGood, server, seconds, network, goodWindowSeconds) < goodNetworksMin) return;
  const at = table.place(tags.senderFault, server, shapes.guarded, seconds);
  if (at < 0) return;
  table.words[at + 2] = seconds;
  table.words[at + 4] = seconds + faultSeconds;
};

/** undefined: nothing was found out about the sender's domain. */
const isMissing = ({ kind, reason, outcome, sender }: JudgedEvent): boolean | undefined => {
  if (sender === undefined || sender === '') return undefined;
  if (reason === 'dns') return true;
  return kind === 'recipient' && (outcome === 'accepted' || outcome === 'unknown') ? false : undefined;
};

const observeCrowd = (facts: Facts, bench: Bench, network: string, missing: boolean): void => {
  const { event, seconds } = facts;
  if (!bench.firsts.isFirst(tags.senderNetwork, network, seconds, days)) return;
  if (!addToBlock(bench.table, tags.senderBlocks, event.server, seconds, missing)) return;
  bench.accuse(facts, {
    detector: 'dns-storm',
    attack: 'dns-storm',
    target: serverAim(event),
    actor: undefined,
    crowd: true,
    why: 'of 20 networks that never sent good mail before, far more than usual began with a sender domain that does not exist',
  });
};

const observeClient = (facts: Facts, bench: Bench, client: string, missing: boolean): void => {
  const { event, seconds } = facts;
  const domain = domainOf(event.sender ?? '');
  // Credit only pays a debt that exists: a record for every good client would say nothing.
  if (!missing && bench.table.find(tags.sender, client) < 0) return;
  if (!bench.firsts.isFirst(tags.senderDomain, client, seconds, days, domain)) return;
  const words = missing ? `sends from ${domain}, which does not exist` : `sends from ${domain}`;
  const nats = missing ? natsMissing : natsThere;
  const score = bench.weigh(facts, { detector: 'dns-storm', tag: tags.sender, subject: client, nats, limits, words });
  if (!missing || score < accuseFrom) return;
  bench.accuse(facts, {
    detector: 'dns-storm',
    attack: 'dns-storm',
    target: serverAim(event),
    actor: { kind: 'client', value: client },
    crowd: false,
    why: `${client} ${words}: score ${score.toFixed(1)} of ${accuseFrom}`,
  });
};

const observe = (facts: Facts, bench: Bench): void => {
  const { event, prefix, network, seconds } = facts;
  if (prefix === undefined || network === undefined || event.account !== undefined) return;
  const missing = isMissing(event);
  if (missing === undefined) return;
  if (bench.everGood(facts)) {
    if (missing) noteFault(bench.table, event.server, network, seconds);
    return;
  }
  if (missing && isFault(bench.table, event.server, seconds)) return;
  if (missing)
    bench.note(facts, {
      attack: 'dns-storm',
      target: serverAim(event),
      actor: { kind: 'client', value: prefix },
      detail: { kind: 'sender-domain', value: domainOf(event.sender ?? '') },
      count: 'missingSenderDomains',
      events: 1,
    });
  observeCrowd(facts, bench, network, missing);
  observeClient(facts, bench, prefix, missing);
};

export const dnsStorm: Detector = {
  name: 'dns-storm',
  attack: 'dns-storm',
  sentence: 'clients whose sender domains do not exist, so that each costs our resolver a question',
  listensTo: ['sender', 'recipient'],
  observe,
};
