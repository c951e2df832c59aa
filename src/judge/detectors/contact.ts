/**
 * Contact: an unauthenticated client met a recipient of ours, who existed or did not.
 *
 * Not a contact (no observation): refusals for any other reason (over quota, greylisting, policy, relaying), mail of our
 * own users, and the null reverse-path, whose recipients a joe-job chose, not the server that returns the bounce.
 */
import { domainOf } from '../../model/address.ts';
import type { JudgedEvent } from '../../model/event.ts';
import { readRatio } from '../statistics/ratio-test.ts';
import type { FirstContacts } from '../statistics/first-contacts.ts';
import type { Table } from '../statistics/table.ts';
import { tags } from './tags.ts';

export type Contact = {
  readonly recipient: string;
  readonly domain: string;
  readonly bad: boolean;
  /** First time in seven days that this client meets this recipient. */
  readonly first: boolean;
  /** First time in a day that this network meets this domain, and it was never good. */
  readonly newcomer: boolean;
};

const pairDays = 7;
/** A bad network that comes back tomorrow is a newcomer again: it never became good. */
const networkDays = 1;

const localPartOf = (address: string): string => address.slice(0, address.lastIndexOf('@')).toLowerCase();

/** An alias that names a mailbox which is gone is a fault of ours: who wrote to the alias asked for what is there. */
const isItsOwnName = ({ origin, recipient }: JudgedEvent): boolean =>
  origin === undefined || recipient === undefined || localPartOf(origin) === localPartOf(recipient);

const isBadContact = (event: JudgedEvent): boolean | undefined => {
  if (event.kind === 'recipient') {
    if (event.outcome === 'unknown') return true;
    return event.outcome === 'accepted' ? false : undefined;
  }
  if (event.reason === 'bounce') return undefined;
  if (event.remote === true && event.origin === undefined) return undefined; // a relay host's mail, not a contact with us
  if (event.outcome === 'sent') return false;
  // Accepted first and found unknown later: the client's contact was as bad as one refused at once.
  return event.outcome === 'bounced' && event.remote !== true && event.dsn === '5.1.1' && isItsOwnName(event)
    ? true
    : undefined;
};

export const contactOf = (
  event: JudgedEvent,
  prefix: string,
  network: string,
  seconds: number,
  table: Table,
  firsts: FirstContacts,
): Contact | undefined => {
  if (event.account !== undefined || event.user !== undefined || event.sender === '') return undefined;
  const address = event.origin ?? event.recipient;
  if (address === undefined) return undefined;
  const bad = isBadContact(event);
  if (bad === undefined) return undefined;
  const recipient = address.toLowerCase();
  const domain = domainOf(recipient);
  const first = firsts.isFirst(tags.contactPair, prefix, seconds, pairDays, recipient);
  const newcomer =
    first &&
    firsts.isFirst(tags.contactNetwork, network, seconds, networkDays, domain) &&
    readRatio(table, tags.harvestNetwork, network, seconds).good === 0;
  return { recipient, domain, bad, first, newcomer };
};
