/**
 * What one client may do, and one network. 0 means no limit; an allowance makes all of them larger for some clients. Connections
 * are counted by /64 for IPv6, in networks by /24 and /48. Bounded in memory.
 */
import { networkOf, prefixOf } from '../../model/address.ts';
import { blockOf, createAddressSet } from '../../model/address-set.ts';

export type GateLimits = {
  readonly connectionsPerMinute: number;
  readonly connectionsAtOnce: number;
  readonly connectionsPerMinuteOfNetwork: number;
  readonly connectionsAtOnceOfNetwork: number;
  readonly messagesPerConnection: number;
  readonly recipientsPerMessage: number;
  /** Unknown commands, syntax errors and refusals in one connection; then 421. */
  readonly errorsPerConnection: number;
  /** RSET, NOOP, VRFY, EXPN, HELP and repeated EHLO in one connection; then 421. */
  readonly idleCommandsPerConnection: number;
  /** Unknown recipients in one connection before each further reply waits, longer each time. */
  readonly unknownBeforeDelay: number;
  readonly headerBytesPerMessage: number;
  readonly lineBytesPerMessage: number;
  /** Received lines; RFC 5321 §6.3 asks for a hundred at least. */
  readonly hopsPerMessage: number;
};

export const defaultGateLimits: GateLimits = {
  connectionsPerMinute: 60,
  connectionsAtOnce: 20,
  connectionsPerMinuteOfNetwork: 0,
  connectionsAtOnceOfNetwork: 0,
  messagesPerConnection: 100,
  recipientsPerMessage: 100,
  errorsPerConnection: 10,
  idleCommandsPerConnection: 20,
  unknownBeforeDelay: 2,
  headerBytesPerMessage: 262_144,
  // RFC 5321 §4.5.3.1.6 asks for 1000, and much good mail does not care.
  lineBytesPerMessage: 65_536,
  hopsPerMessage: 100,
};

/** So many times the limits, for an address or a network; 0: no limits. */
export type Allowance = { readonly network: string; readonly factor: number };

const scaled = (limits: GateLimits, factor: number): GateLimits => ({
  connectionsPerMinute: limits.connectionsPerMinute * factor,
  connectionsAtOnce: limits.connectionsAtOnce * factor,
  connectionsPerMinuteOfNetwork: limits.connectionsPerMinuteOfNetwork * factor,
  connectionsAtOnceOfNetwork: limits.connectionsAtOnceOfNetwork * factor,
  messagesPerConnection: limits.messagesPerConnection * factor,
  recipientsPerMessage: limits.recipientsPerMessage * factor,
  errorsPerConnection: limits.errorsPerConnection * factor,
  idleCommandsPerConnection: limits.idleCommandsPerConnection * factor,
  unknownBeforeDelay: limits.unknownBeforeDelay * factor,
  headerBytesPerMessage: limits.headerBytesPerMessage * factor,
  lineBytesPerMessage: limits.lineBytesPerMessage * factor,
  hopsPerMessage: limits.hopsPerMessage * factor,
});

export type LimitsFor = (client: string) => GateLimits;

/** The smallest network that a client is in decides. */
export const createLimitsFor = (limits: GateLimits, allowances: readonly Allowance[]): LimitsFor => {
  const rows = allowances
    .map(({ network, factor }) => ({
      length: blockOf(network)?.length ?? 0,
      clients: createAddressSet([network]),
      limits: scaled(limits, factor),
    }))
    .toSorted((a, b) => b.length - a.length);
  if (rows.length === 0) return () => limits;
  return (client) => rows.find(({ clients }) => clients.has(client))?.limits ?? limits;
};

/** How long the gate waits for a client, however its bytes trickle in. */
export type Patience = {
  /** RFC 5321 §4.5.3.2.7: five minutes for a command. */
  readonly commandMsMax: number;
  readonly messageMsMax: number;
};

export type Admission = 'welcome' | 'too-often' | 'too-many';

export type Doorman = {
  readonly enter: (client: string, time: number) => Admission;
  /** Once for each that was welcome. */
  readonly leave: (client: string) => void;
};

type Visits = { open: number; minute: number; count: number };
const clientsMax = 100_000;

/** Counts by client, or by network. */
type Book = {
  readonly enter: (name: string, time: number, perMinuteMax: number, atOnceMax: number) => Admission;
} & Pick<Doorman, 'leave'>;

const createBook = (): Book => {
  const visits = new Map<string, Visits>();
  const forgetOldest = (): void => {
    for (const [name, { open }] of visits) {
      if (open > 0) continue;
      visits.delete(name);
      return;
    }
  };
  return {
    enter: (name, time, perMinuteMax, atOnceMax) => {
      const minute = Math.floor(time / 60_000);
      let visit = visits.get(name);
      if (visit === undefined) {
        if (visits.size >= clientsMax) forgetOldest();
        visit = { open: 0, minute, count: 0 };
        visits.set(name, visit);
      }
      if (visit.minute !== minute) [visit.minute, visit.count] = [minute, 0];
      visit.count++;
      if (perMinuteMax > 0 && visit.count > perMinuteMax) return 'too-often';
      if (atOnceMax > 0 && visit.open >= atOnceMax) return 'too-many';
      visit.open++;
      return 'welcome';
    },
    leave: (name) => {
      const visit = visits.get(name);
      if (visit !== undefined && visit.open > 0) visit.open--;
    },
  };
};

/** In its network, too. */
const isCounted = ({ connectionsPerMinuteOfNetwork, connectionsAtOnceOfNetwork }: GateLimits): boolean =>
  connectionsPerMinuteOfNetwork > 0 || connectionsAtOnceOfNetwork > 0;

export const createDoorman = (limitsFor: LimitsFor): Doorman => {
  const [clients, networks] = [createBook(), createBook()];
  return {
    enter: (client, time) => {
      const limits = limitsFor(client);
      const admission = clients.enter(prefixOf(client), time, limits.connectionsPerMinute, limits.connectionsAtOnce);
      if (admission !== 'welcome' || !isCounted(limits)) return admission;
      const { connectionsPerMinuteOfNetwork: perMinute, connectionsAtOnceOfNetwork: atOnce } = limits;
      const ofNetwork = networks.enter(networkOf(client), time, perMinute, atOnce);
      if (ofNetwork !== 'welcome') clients.leave(prefixOf(client));
      return ofNetwork;
    },
    leave: (client) => {
      clients.leave(prefixOf(client));
      if (isCounted(limitsFor(client))) networks.leave(networkOf(client));
    },
  };
};
