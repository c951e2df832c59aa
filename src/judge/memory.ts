/** The judge's memory: one shared buffer, cut into the table of records and the first contacts. */
import { createFirstContacts } from './statistics/first-contacts.ts';
import type { FirstContacts } from './statistics/first-contacts.ts';
import { createTable } from './statistics/table.ts';
import type { Table } from './statistics/table.ts';

export type Memory = { readonly buffer: SharedArrayBuffer; readonly table: Table; readonly firsts: FirstContacts };

export const memoryBytesMin = 1024 * 1024;

/**
 * @param buffer three quarters (a power of two of it) for records, the last quarter for first contacts; every thread of
 *   the guard makes its own view of the same buffer
 * @param seed the installation's; the same seed for every view
 */
export const createMemory = (buffer: SharedArrayBuffer, seed: number): Memory => {
  if (buffer.byteLength < memoryBytesMin)
    throw new RangeError(`the judge's memory needs at least ${memoryBytesMin} bytes`);
  const cut = Math.floor((buffer.byteLength * 3) / 4 / 64) * 64;
  return { buffer, table: createTable(buffer, cut, seed), firsts: createFirstContacts(buffer, cut, seed) };
};
