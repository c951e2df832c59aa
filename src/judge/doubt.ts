/**
 * Evidence that is not believed, and why. Two things look like an attack and are a fault of the house: a proxy or a
 * container's gateway that hides who connects, so that everybody is one address; and passwords that cannot be looked up, so
 * that people who always log in fail together. Nothing is done on such evidence, and the guard says so.
 */
import { networkOf, prefixOf } from '../model/address.ts';
import { createAddressSet } from '../model/address-set.ts';
import type { JudgedEvent } from '../model/event.ts';
import type { Facts } from './detectors/detector.ts';
import { tags } from './detectors/tags.ts';
import { shapes } from './statistics/table.ts';
import type { Table } from './statistics/table.ts';

export type Doubt = {
  readonly kind: 'one-address' | 'logins-down';
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly isOver: boolean;
  readonly words: string;
};

/** Where a proxy or a gateway stands: this machine and private networks (RFC 1918, RFC 6598, RFC 4193, link-local). */
const indoorNetworks = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '::1',
  'fc00::/7',
  'fe80::/10',
];
const indoors = createAddressSet(indoorNetworks);
const startOf = (address: string): number =>
  (address.charCodeAt(0) << 16) | (address.charCodeAt(1) << 8) | address.charCodeAt(2);
const indoorStarts = new Set(indoorNetworks.map(startOf));
const letterF = 102;
const digitOne = 49;
const colon = 58;
/** Tells nearly all others apart, at the price of three characters. */
const mayBeIndoors = (client: string): boolean => {
  const first = client.charCodeAt(0);
  return first === letterF || ((first === digitOne || first === colon) && indoorStarts.has(startOf(client)));
};

/** Of so many events, so large a share comes from one address, which calls itself or logs in by so many names. */
const windowEvents = 200;
const windowEventsMin = 50;
const shareMin = 0.9;
const namesMin = 10;
const namesMax = 1000;
const doubtedSeconds = 3600;

/** So many people who logged in before fail, one after the other and nobody succeeds. */
const downAccountsMin = 5;
const downWindowMs = 10 * 60_000;

/** True while what an address did is not its own doing: it stands for many. */
export const isDoubted = (table: Table, client: string, seconds: number): boolean => {
  const at = table.find(tags.doubted, prefixOf(client));
  return at >= 0 && (table.words[at + 4] ?? 0) > seconds;
};

const mark = (table: Table, client: string, seconds: number): void => {
  const at = table.place(tags.doubted, prefixOf(client), shapes.guarded, seconds);
  if (at < 0) return;
  table.words[at + 2] = seconds;
  table.words[at + 4] = seconds + doubtedSeconds;
};

type Doubts = {
  /** @returns the event, or without its client when that stands for many */
  readonly examine: (event: JudgedEvent) => JudgedEvent;
  /** True when a failed login says nothing about who tried. */
  readonly isFault: (facts: Facts) => boolean;
};

const nobody = '';

/** Who calls itself by how many names, for one address at a time: the one that has the largest share. */
const createCrowdedAddress = () => {
  /** A ring: the oldest is overwritten. Who cannot stand indoors is nobody in it. */
  const recent: string[] = [];
  let next = 0;
  /** How often it holds the one of whom that was asked last: an address indoors, as nobody else stands for many. */
  let counted = nobody;
  let count = 0;
  let names = new Set<string>();
  let namesOf = '';
  /** @returns true when this client stands for many */
  return (address: string, name: string | undefined): boolean => {
    const client = mayBeIndoors(address) ? address : nobody;
    const oldest = recent[next];
    if (oldest !== client) {
      recent[next] = client;
      if (client === counted) count++;
      else if (oldest === counted) count--;
    }
    next = (next + 1) % windowEvents;
    if (client === nobody) return false;
    if (client !== counted) {
      counted = client;
      count = recent.reduce((sum, other) => (other === client ? sum + 1 : sum), 0);
    }
    if (count < shareMin * recent.length || !indoors.has(client)) return false;
    if (namesOf !== client) {
      namesOf = client;
      names = new Set();
    }
    if (name !== undefined && names.size < namesMax) names.add(name);
    return recent.length >= windowEventsMin && names.size >= namesMin;
  };
};

/** A guesser has no success with many accounts, and greets by one name or few. */
const nameOf = (event: JudgedEvent): string | undefined => {
  if (event.kind === 'auth') return event.outcome === 'success' ? event.account : undefined;
  return event.helo;
};

export const createDoubts = (table: Table, tell: (doubt: Doubt) => void): Doubts => {
  const standsForMany = createCrowdedAddress();
  const failed = new Set<string>();
  let failedSince = 0;
  let isDown = false;
  let doubtedUntil = 0;

  const succeed = (event: JudgedEvent): void => {
    if (failed.size > 0) failed.clear();
    if (!isDown) return;
    isDown = false;
    tell({ kind: 'logins-down', time: event.time, isOver: true, words: 'logins succeed again: failures count again' });
  };
  const fail = (event: JudgedEvent, account: string): void => {
    if (failed.size === 0 || event.time - failedSince > downWindowMs) {
      failed.clear();
      failedSince = event.time;
    }
    failed.add(account);
    if (isDown || failed.size < downAccountsMin) return;
    isDown = true;
    const words = `${failed.size} people who logged in before fail one after the other and nobody succeeds: are the passwords looked up at all? Until somebody succeeds, failed logins are no evidence`;
    tell({ kind: 'logins-down', time: event.time, isOver: false, words });
  };

  return {
    examine: (event) => {
      const { client } = event;
      if (client === undefined || !standsForMany(client, nameOf(event))) return event;
      const seconds = Math.floor(event.time / 1000);
      mark(table, client, seconds);
      if (seconds >= doubtedUntil)
        tell({
          kind: 'one-address',
          time: event.time,
          isOver: false,
          words: `nearly all that happens comes from ${client}, under many names: a proxy, a container's gateway or this machine itself hides who connects (PROXY protocol, XCLIENT, host network). Nothing is done against it, and clients are not told apart`,
        });
      doubtedUntil = seconds + doubtedSeconds;
      return { ...event, client: undefined };
    },
    isFault: ({ event, login }) => {
      if (event.kind !== 'auth' || login === undefined) return false;
      if (login.success) succeed(event);
      else if (login.known && event.client !== undefined)
        fail(event, `${networkOf(event.client)} ${login.account ?? ''}`);
      return isDown && !login.success;
    },
  };
};
