/** Which logs the guard follows: those that the configuration names, and for `found` those that are here. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { findLogs } from '../sense/logs/find.ts';
import { journalName } from '../sense/logs/journal.ts';
import type { Values } from './settings.ts';

type ChosenLogs = {
  readonly logs: readonly string[];
  /** Found, but may not be read. */
  readonly unreadable: readonly string[];
};

/** The file behind a name; the name itself where nothing is yet. */
const fileOf = (path: string): string => {
  if (path === journalName) return path;
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return path;
  }
};

/** A file with two names, a link or one that is named twice, would tell everything twice. */
const eachOnce = (paths: readonly string[]): readonly string[] => {
  const byFile = new Map<string, string>();
  for (const path of paths) if (!byFile.has(fileOf(path))) byFile.set(fileOf(path), path);
  return [...byFile.values()];
};

/** @param root '/' on a real host */
export const chosenLogs = async (values: Values, root = '/'): Promise<ChosenLogs> => {
  const wanted = values.get('logs');
  const paths = Array.isArray(wanted) ? wanted.map(String) : [];
  const found = paths.includes('found') ? await findLogs(root) : [];
  return {
    logs: eachOnce([
      ...paths.filter((path) => path !== 'found').map((path) => (path === journalName ? path : resolve(path))),
      ...found.filter((log) => log.readable).map((log) => log.path),
    ]),
    unreadable: found.filter((log) => !log.readable).map((log) => log.path),
  };
};
