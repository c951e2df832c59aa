/**
 * The classic line of mail servers' own rules: so many recipients that do not exist within an hour, whatever else is known.
 * It stops what a ratio test lets through for its share: a thief with a list that is 15 % dead. One dead address is
 * forgiven for every nine deliveries, so that a large newsletter with 10 % stale ones does not reach it by its size.
 */
import { exceeds } from '../statistics/rate.ts';
import type { Table } from '../statistics/table.ts';
import { tags } from './tags.ts';

const forgivenPerDelivery = 1 / 9;

/** Notes one outcome; true when it is one dead address too many. */
export const exceedsBackstop = (
  table: Table,
  account: string,
  seconds: number,
  isDead: boolean,
  invalidPerHour: number,
): boolean => {
  if (invalidPerHour === 0) return false;
  const allowance = { perHour: invalidPerHour, burst: invalidPerHour };
  return exceeds(table, tags.accountRate, account, seconds, allowance, isDead ? 1 : -forgivenPerDelivery) && isDead;
};
