/**
 * D3: learned traps. A name that never existed and that several unrelated, never-good networks ask for is on the
 * attackers' list; the next one who asks for it says so. A name that ever took mail, or that a good sender asks for (a
 * leaver's address), is spoiled for 90 days and traps nobody (DETECTION B.4).
 */
import { regionOf } from '../../model/address.ts';
import { addPartner, readDistinct } from '../statistics/distinct.ts';
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { tags } from './tags.ts';

const windowSeconds = 30 * 86_400;
const spoiledSeconds = 90 * 86_400;
/** As telling as a conviction, when the table is full. */
const spoiledTelling = 11.5;
const networksMin = 3;
const regionsMin = 2;
/** Names that an owner may create any day, and that honest senders try (RFC 2142). */
const roleNames = new Set([
  'postmaster',
  'abuse',
  'info',
  'sales',
  'support',
  'hostmaster',
  'webmaster',
  'security',
  'noc',
  'contact',
  'office',
]);

const isSpoiled = (table: Table, recipient: string, seconds: number): boolean => {
  const at = table.find(tags.trapSpoiled, recipient);
  return at >= 0 && (table.words[at + 4] ?? 0) > seconds;
};

export const isTrap = (table: Table, recipient: string, seconds: number): boolean =>
  readDistinct(table, tags.trapNetworks, recipient, seconds, windowSeconds) >= networksMin &&
  readDistinct(table, tags.trapRegions, recipient, seconds, windowSeconds) >= regionsMin &&
  !isSpoiled(table, recipient, seconds);

const spoil = (table: Table, recipient: string, seconds: number): void => {
  // Not guarded: a harvester with one good mail to its name could fill the table with names that nobody may forget.
  const at = table.place(tags.trapSpoiled, recipient, shapes.plain, seconds);
  if (at < 0) return;
  table.floats[at + 3] = spoiledTelling;
  table.words[at + 2] = seconds;
  table.words[at + 4] = seconds + spoiledSeconds;
};

const observe = (facts: Facts, bench: Bench): void => {
  const { contact, network, seconds, event } = facts;
  if (contact === undefined || network === undefined || !contact.first || event.client === undefined) return;
  if (!contact.bad || bench.everGood(facts)) {
    // Only a name somebody asked for in vain can be a trap: do not fill the table with every good recipient.
    if (contact.bad || bench.table.find(tags.trapNetworks, contact.recipient) >= 0)
      spoil(bench.table, contact.recipient, seconds);
    return;
  }
  if (roleNames.has(contact.recipient.slice(0, contact.recipient.lastIndexOf('@')))) return;
  addPartner(bench.table, tags.trapNetworks, contact.recipient, seconds, network, windowSeconds);
  addPartner(bench.table, tags.trapRegions, contact.recipient, seconds, regionOf(event.client), windowSeconds);
};

export const trap: Detector = {
  name: 'trap',
  attack: 'dictionary',
  sentence: 'names that never existed and that several unrelated attackers asked for',
  listensTo: ['recipient', 'delivery'],
  observe,
};
