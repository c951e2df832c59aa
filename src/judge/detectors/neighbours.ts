/** How many clients of a network were convicted within 30 days: neighbours of the next one. */
import { addPartner, readDistinct } from '../statistics/distinct.ts';
import type { Table } from '../statistics/table.ts';
import { tags } from './tags.ts';

const windowSeconds = 30 * 86_400;

export const noteConvicted = (table: Table, network: string, prefix: string, seconds: number): void => {
  addPartner(table, tags.convictedInNetwork, network, seconds, prefix, windowSeconds);
};

export const convictedIn = (table: Table, network: string, seconds: number): number =>
  readDistinct(table, tags.convictedInNetwork, network, seconds, windowSeconds);
