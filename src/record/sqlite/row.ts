/** Columns of a row by their type; anything else in them is damage. */
import type { SQLOutputValue } from 'node:sqlite';
import { Fault } from '../../model/fault.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;

const damaged = (column: string): never => {
  throw new Fault('CONFIG', `the ledger is damaged (${column}): move it away to start anew, or restore a copy`);
};

export const textIn = (row: Row, column: string): string => {
  const value = row[column];
  return typeof value === 'string' ? value : damaged(column);
};
export const numberIn = (row: Row, column: string): number => {
  const value = row[column];
  return typeof value === 'number' ? value : damaged(column);
};
export const numberIfAny = (row: Row, column: string): number | undefined =>
  row[column] === null ? undefined : numberIn(row, column);
export const textIfAny = (row: Row, column: string): string | undefined =>
  row[column] === null ? undefined : textIn(row, column);

/** What was made of JSON. */
export const jsonIn = (row: Row, column: string): unknown => {
  const text = textIn(row, column);
  try {
    return JSON.parse(text);
  } catch {
    return damaged(column);
  }
};

/** One of a list of words. */
export const wordIn = <Word extends string>(row: Row, column: string, words: readonly Word[]): Word =>
  words.find((word) => word === row[column]) ?? damaged(column);
