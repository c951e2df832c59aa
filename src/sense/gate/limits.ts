/** How many connections a client may have and make; counted by /64 for IPv6. 0 means no limit. Bounded in memory. */
import { prefixOf } from '../../model/address.ts';

export type GateLimits = {
  readonly connectionsPerMinute: number;
  readonly connectionsAtOnce: number;
  readonly messagesPerConnection: number;
  readonly recipientsPerMessage: number;
  /** Unknown commands, syntax errors and refusals in one connection; then 421. */
  readonly errorsPerConnection: number;
  /** RSET, NOOP, VRFY, EXPN, HELP and repeated EHLO in one connection; then 421. */
  readonly idleCommandsPerConnection: number;
  /** Unknown recipients in one connection before each further reply waits, longer each time. */
  readonly unknownBeforeDelay: number;
};

export const defaultGateLimits: GateLimits = {
  connectionsPerMinute: 60,
  connectionsAtOnce: 20,
  messagesPerConnection: 100,
  recipientsPerMessage: 100,
  errorsPerConnection: 10,
  idleCommandsPerConnection: 20,
  unknownBeforeDelay: 2,
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

export const createDoorman = ({ connectionsPerMinute, connectionsAtOnce }: GateLimits): Doorman => {
  const visits = new Map<string, Visits>();
  const forgetOldest = (): void => {
    for (const [client, { open }] of visits) {
      if (open > 0) continue;
      visits.delete(client);
      return;
    }
  };
  return {
    enter: (client, time) => {
      const prefix = prefixOf(client);
      const minute = Math.floor(time / 60_000);
      let visit = visits.get(prefix);
      if (visit === undefined) {
        if (visits.size >= clientsMax) forgetOldest();
        visit = { open: 0, minute, count: 0 };
        visits.set(prefix, visit);
      }
      if (visit.minute !== minute) [visit.minute, visit.count] = [minute, 0];
      visit.count++;
      if (connectionsPerMinute > 0 && visit.count > connectionsPerMinute) return 'too-often';
      if (connectionsAtOnce > 0 && visit.open >= connectionsAtOnce) return 'too-many';
      visit.open++;
      return 'welcome';
    },
    leave: (client) => {
      const visit = visits.get(prefixOf(client));
      if (visit !== undefined && visit.open > 0) visit.open--;
    },
  };
};
