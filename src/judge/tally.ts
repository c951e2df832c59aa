/** Who did how much: plain counts for the report, per client, account, domain and sender. Bounded: what was quiet longest makes room. */
import { domainOf, networkOf } from '../model/address.ts';
import { keep } from '../model/keep.ts';
import type { JudgedEvent, EventKind } from '../model/event.ts';
import type { AccountReport, DomainReport, Offender, OffendingNetwork, SenderReport } from '../model/report.ts';
import type { Standing } from '../model/standing.ts';
import { byPair } from './statistics/by-pair.ts';
import { createCounts } from './statistics/counts.ts';

const clientsMax = 100_000;
const accountsMax = 50_000;
const domainsMax = 20_000;
const placesMax = 16;

type ClientCount = { unknown: number; denied: number; auth: number; protocol: number; first: number; last: number };
type AccountCount = {
  messages: number;
  recipients: number;
  invalid: number;
  failures: number;
  /** Where it logged in from, the first few; most accounts of a guesser's list never do. */
  clients: readonly string[] | undefined;
};
type DomainCount = { accepted: number; unknown: number; bounces: number };
type SenderCount = {
  readonly kind: SenderReport['kind'];
  readonly value: string;
  messages: number;
  recipients: number;
  bounced: number;
};

const eventsOf = (count: ClientCount): number => count.unknown + count.denied + count.auth + count.protocol;

/** As an address and a network are reported alike. */
const figuresOf = (count: ClientCount) => ({
  events: eventsOf(count),
  unknownRecipients: count.unknown,
  relayDenied: count.denied,
  authFailures: count.auth,
  protocolErrors: count.protocol,
  first: count.first,
  last: count.last,
});

const activityOf = ({ messages, recipients, failures }: AccountCount): number => messages + recipients + failures;

type Counter = (event: JudgedEvent, prefix: string | undefined) => void;

export type Tally = {
  /** Counts an event of this kind; undefined: of such nothing is counted. */
  readonly counterFor: (kind: EventKind) => Counter | undefined;
  /** The busiest, `most` of each. */
  readonly offenders: (standingOf: (client: string) => Standing, most: number) => readonly Offender[];
  readonly networks: (standingOf: (client: string) => Standing, most: number) => readonly OffendingNetwork[];
  readonly accounts: (standingOf: (account: string) => Standing, most: number) => readonly AccountReport[];
  readonly domains: (most: number) => readonly DomainReport[];
  readonly senders: (most: number) => readonly SenderReport[];
};

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const createTally = (): Tally => {
  const clients = createCounts<ClientCount>(
    clientsMax,
    () => ({
      unknown: 0,
      denied: 0,
      auth: 0,
      protocol: 0,
      first: 0,
      last: 0,
    }),
    // Addresses are (`canonicalAddress`).
    (prefix) => prefix,
  );
  const accounts = createCounts<AccountCount>(accountsMax, () => ({
    messages: 0,
    recipients: 0,
    invalid: 0,
    failures: 0,
    clients: undefined,
  }));
  const domains = createCounts<DomainCount>(domainsMax, () => ({ accepted: 0, unknown: 0, bounces: 0 }));
  const senders: SenderCount[] = [];
  const senderIndex = byPair<SenderReport['kind'], SenderCount>();

  const offence = (event: JudgedEvent, prefix: string, field: 'unknown' | 'denied' | 'auth' | 'protocol'): void => {
    const count = clients.of(prefix);
    if (eventsOf(count) === 0) count.first = event.time;
    count[field] += event.count ?? 1;
    count.last = Math.max(count.last, event.time);
  };

  const countOf = (kind: SenderReport['kind'], value: string): SenderCount | undefined => {
    let count = senderIndex.get(kind, value);
    if (count === undefined && senders.length < accountsMax) {
      count = { kind, value: keep(value), messages: 0, recipients: 0, bounced: 0 };
      senders.push(count);
      senderIndex.set(kind, count.value, count);
    }
    return count;
  };

  const senderOf = (event: JudgedEvent): SenderCount | undefined => {
    const isForward = event.remote === true && event.origin !== undefined && event.origin !== event.recipient;
    if (event.account !== undefined) return countOf('account', event.account);
    if (event.user !== undefined) return countOf('user', event.user);
    if (isForward) return countOf('forward', event.origin);
    return event.remote === true && event.client !== undefined ? countOf('relay-host', event.client) : undefined;
  };

  const addRecipient = (event: JudgedEvent, prefix: string | undefined): void => {
    if (event.outcome === 'relay-denied') {
      if (prefix !== undefined) offence(event, prefix, 'denied');
      return;
    }
    if (event.outcome !== 'unknown' && event.outcome !== 'accepted') return;
    const domain = domains.of(domainOf(event.recipient ?? ''));
    if (event.outcome === 'accepted') {
      domain.accepted++;
      return;
    }
    domain.unknown++;
    if (event.sender === '') domain.bounces++;
    if (event.account !== undefined) accounts.of(event.account).invalid++;
    else if (prefix !== undefined) offence(event, prefix, 'unknown');
  };

  const addDelivery = (event: JudgedEvent): void => {
    if (event.outcome === 'deferred' || event.reason === 'bounce') return;
    const sender = senderOf(event);
    if (sender !== undefined) {
      sender.recipients++;
      if (event.outcome === 'bounced') sender.bounced++;
    }
    if (event.account !== undefined) {
      const account = accounts.of(event.account);
      account.recipients++;
      if (event.outcome === 'bounced' && event.dsn?.startsWith('5.1.') === true) account.invalid++;
    } else if (event.remote !== true && event.outcome === 'sent') {
      const domain = domains.of(domainOf(event.origin ?? event.recipient ?? ''));
      domain.accepted++;
      if (event.sender === '') domain.bounces++;
    }
  };

  const addAuth = (event: JudgedEvent, prefix: string | undefined): void => {
    if (event.outcome === 'failure' && prefix !== undefined) offence(event, prefix, 'auth');
    if (event.account === undefined || event.account === '') return;
    const account = accounts.of(event.account);
    if (event.outcome === 'failure') account.failures += event.count ?? 1;
    else if (event.client !== undefined) {
      const known = account.clients ?? [];
      // Not pushed: an array that grows makes room for sixteen more, and most accounts have one place.
      if (known.length < placesMax && !known.includes(event.client)) account.clients = [...known, event.client];
    }
  };

  const addMessage = (event: JudgedEvent): void => {
    if (event.account !== undefined) accounts.of(event.account).messages++;
    const sender = senderOf(event);
    if (sender !== undefined && event.reason !== 'bounce') sender.messages++;
  };

  const addProtocol = (event: JudgedEvent, prefix: string | undefined): void => {
    if (prefix !== undefined) offence(event, prefix, 'protocol');
  };

  const counters = new Map<EventKind, Counter>([
    ['recipient', addRecipient],
    ['delivery', addDelivery],
    ['auth', addAuth],
    ['message', addMessage],
    ['early-talk', addProtocol],
    ['command-error', addProtocol],
  ]);

  return {
    counterFor: (kind) => counters.get(kind),
    offenders: (standingOf, most) =>
      [...clients.entries()]
        .toSorted(([, a], [, b]) => eventsOf(b) - eventsOf(a) || a.first - b.first)
        .slice(0, most)
        .map(([client, count]) => ({
          client,
          network: networkOf(client.replace('/64', '')),
          ...figuresOf(count),
          standing: standingOf(client),
        })),
    networks: (standingOf, most) => {
      const sums = new Map<string, ClientCount & { clients: number }>();
      for (const [client, count] of clients.entries()) {
        const network = networkOf(client.replace('/64', ''));
        const { first, last } = count;
        let sum = sums.get(network);
        if (sum === undefined)
          sums.set(network, (sum = { unknown: 0, denied: 0, auth: 0, protocol: 0, first, last, clients: 0 }));
        sum.clients++;
        sum.unknown += count.unknown;
        sum.denied += count.denied;
        sum.auth += count.auth;
        sum.protocol += count.protocol;
        sum.first = Math.min(sum.first, first);
        sum.last = Math.max(sum.last, last);
      }
      const busiest = [...sums]
        .toSorted(([, a], [, b]) => eventsOf(b) - eventsOf(a) || a.first - b.first)
        .slice(0, most);
      const shown = new Set(busiest.map(([network]) => network));
      const hostile = new Set<string>();
      for (const [client] of clients.entries()) {
        const network = networkOf(client.replace('/64', ''));
        if (shown.has(network) && !hostile.has(network) && standingOf(client) === 'hostile') hostile.add(network);
      }
      return busiest.map(([network, count]) => ({
        network,
        clients: count.clients,
        ...figuresOf(count),
        standing: hostile.has(network) ? 'hostile' : 'unknown',
      }));
    },
    accounts: (standingOf, most) =>
      [...accounts.entries()]
        .toSorted(([, a], [, b]) => activityOf(b) - activityOf(a))
        .slice(0, most)
        .map(([account, count]) => ({
          account,
          messages: count.messages,
          recipients: count.recipients,
          invalidRecipients: count.invalid,
          clients: count.clients?.length ?? 0,
          authFailures: count.failures,
          standing: standingOf(account),
        })),
    domains: (most) =>
      [...domains.entries()]
        .filter(([domain]) => domain !== '')
        .toSorted(([, a], [, b]) => b.unknown - a.unknown || b.accepted + b.unknown - (a.accepted + a.unknown))
        .slice(0, most)
        .map(([domain, count]) => ({
          domain,
          events: count.accepted + count.unknown,
          accepted: count.accepted,
          unknownRecipients: count.unknown,
          bounces: count.bounces,
        })),
    senders: (most) =>
      senders.toSorted((a, b) => b.recipients - a.recipients || b.messages - a.messages).slice(0, most),
  };
};
