/** Which mail logs are on this host, by the names that distributions and control panels give them. */
import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { journalFolder, journalName } from './journal.ts';

export type FoundLog = {
  readonly path: string;
  readonly readable: boolean;
  /** Rotated files of the same log, oldest first. */
  readonly older: readonly string[];
};

/** What syslog writes; the journal holds the same. */
const syslogPlaces = ['var/log/mail.log', 'var/log/maillog', 'var/log/mail/mail.log'];
const places = [
  ...syslogPlaces,
  'var/log/exim4/mainlog',
  'var/log/exim/mainlog',
  'var/log/exim/main.log',
  'var/log/exim_mainlog',
  'var/log/dovecot.log',
];

const rotatedOf = async (path: string): Promise<readonly string[]> => {
  const names = await readdir(dirname(path)).catch(() => []);
  const siblings = names.filter(
    (name) =>
      (name !== basename(path) && name.startsWith(`${basename(path)}.`)) || name.startsWith(`${basename(path)}-`),
  );
  const dated = await Promise.all(
    siblings.map(async (name) => {
      const sibling = join(dirname(path), name);
      // Rotation goes on meanwhile; a link may lead nowhere.
      const info = await stat(sibling).catch(() => undefined);
      return info?.isFile() === true ? [{ path: sibling, changed: info.mtimeMs }] : [];
    }),
  );
  return dated
    .flat()
    .toSorted((a, b) => a.changed - b.changed)
    .map((each) => each.path);
};

/** One that was not written to for longer than a weekly rotation leaves it alone: syslog is gone, the journal is not. */
const staleMs = 8 * 86_400_000;

const mayRead = (path: string): Promise<boolean> =>
  access(path, constants.R_OK).then(
    () => true,
    () => false,
  );

const findJournal = async (root: string, found: readonly FoundLog[], now: number): Promise<FoundLog | undefined> => {
  const folder = journalFolder(root);
  if (folder === undefined) return undefined;
  for (const { path } of found) {
    if (!syslogPlaces.some((place) => path === join(root, place))) continue;
    const info = await stat(path).catch(() => undefined);
    if (info !== undefined && now - info.mtimeMs < staleMs) return undefined;
  }
  const machines = await readdir(folder).catch(() => []);
  // Made by the package; nobody writes there.
  if (machines.length === 0) return undefined;
  const readable = await Promise.all(machines.map((name) => mayRead(join(folder, name, 'system.journal'))));
  return { path: journalName, readable: readable.includes(true), older: [] };
};

/** @param root '/' on a real host. @param now milliseconds since 1970 */
export const findLogs = async (root: string, now = Date.now()): Promise<readonly FoundLog[]> => {
  const found: FoundLog[] = [];
  for (const place of places) {
    const path = join(root, place);
    const info = await stat(path).catch(() => undefined);
    if (info?.isFile() !== true) continue;
    const readable = await mayRead(path);
    found.push({ path, readable, older: readable ? await rotatedOf(path) : [] });
  }
  const journal = await findJournal(root, found, now);
  return journal === undefined ? found : [...found, journal];
};
