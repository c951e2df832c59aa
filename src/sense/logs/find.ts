/** Which mail logs are on this host, by the names that distributions and control panels give them. */
import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export type FoundLog = {
  readonly path: string;
  readonly readable: boolean;
  /** Rotated files of the same log, oldest first. */
  readonly older: readonly string[];
};

const places = [
  'var/log/mail.log',
  'var/log/maillog',
  'var/log/mail/mail.log',
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
    siblings.map(async (name) => ({
      path: join(dirname(path), name),
      changed: (await stat(join(dirname(path), name))).mtimeMs,
    })),
  );
  return dated.toSorted((a, b) => a.changed - b.changed).map((each) => each.path);
};

/** @param root '/' on a real host */
export const findLogs = async (root: string): Promise<readonly FoundLog[]> => {
  const found: FoundLog[] = [];
  for (const place of places) {
    const path = join(root, place);
    const info = await stat(path).catch(() => undefined);
    if (info?.isFile() !== true) continue;
    const readable = await access(path, constants.R_OK).then(
      () => true,
      () => false,
    );
    found.push({ path, readable, older: readable ? await rotatedOf(path) : [] });
  }
  return found;
};
