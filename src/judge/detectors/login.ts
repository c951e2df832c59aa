/**
 * Login: an attempt to authenticate, seen as a first contact between a client and an account.
 *
 * The same wrong password again and again is one fact (a phone with an old password), so failures are deduplicated by
 * (client, account) for a day; a pair or a network that succeeded before is `known` and speaks against nobody.
 */
import type { JudgedEvent } from '../../model/event.ts';
import type { FirstContacts } from '../statistics/first-contacts.ts';
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';
import { tags } from './tags.ts';

export type Login = {
  /** Lower case; undefined when the server did not log the name. */
  readonly account: string | undefined;
  readonly success: boolean;
  /** First failure of this (client, account) in a day, or any success. */
  readonly first: boolean;
  /** This account logged in from this client or its network within 90 days. */
  readonly known: boolean;
  /** First login outcome of this (network, account) in a week. */
  readonly newcomer: boolean;
};

const knownSeconds = 90 * 86_400;

const isKnown = (table: Table, pair: string, seconds: number): boolean => {
  const at = table.find(tags.knownLogin, pair);
  return at >= 0 && (table.words[at + 4] ?? 0) > seconds;
};

const remember = (table: Table, pair: string, seconds: number): void => {
  const at = table.place(tags.knownLogin, pair, shapes.guarded, seconds);
  if (at < 0) return;
  table.words[at + 2] = seconds;
  table.words[at + 4] = seconds + knownSeconds;
};

/** True when the account succeeded from this network lately: step-up lets it in. */
export const isKnownLogin = (table: Table, network: string, account: string, seconds: number): boolean =>
  isKnown(table, `${network} ${account.toLowerCase()}`, seconds);

export const loginOf = (
  event: JudgedEvent,
  prefix: string,
  network: string,
  seconds: number,
  table: Table,
  firsts: FirstContacts,
): Login | undefined => {
  if (event.outcome !== 'success' && event.outcome !== 'failure') return undefined;
  const account = event.account === undefined || event.account === '' ? undefined : event.account.toLowerCase();
  const success = event.outcome === 'success';
  // Refused by us, or never tried to the end: says nothing about passwords.
  if (!success && (event.reason === 'policy' || event.reason === 'no-tls' || event.reason === 'aborted'))
    return undefined;
  const pair = `${network} ${account ?? ''}`;
  const known = account !== undefined && isKnown(table, pair, seconds);
  const newcomer = firsts.isFirst(tags.loginNetwork, pair, seconds, 7);
  if (success) {
    if (account !== undefined) remember(table, pair, seconds);
    return { account, success, first: true, known, newcomer };
  }
  const first = firsts.isFirst(tags.loginFailure, prefix, seconds, 1, account ?? '');
  return { account, success, first, known, newcomer };
};
