/** Where mail servers keep their queues, by the places distributions give them and by what lies in a directory. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../model/fault.ts';

export type SpoolKind = 'postfix' | 'exim' | 'sendmail';
export type Spool = { readonly kind: SpoolKind; readonly path: string };

const places = [
  '/var/spool/postfix',
  '/var/spool/exim4',
  '/var/spool/exim',
  '/var/spool/mqueue',
  '/var/spool/mqueue-client',
];

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** What a directory is, by what is in it. An empty one is taken for Sendmail's, which makes no directories. */
const kindOf = (path: string): SpoolKind | undefined => {
  if (isDirectory(join(path, 'deferred')) && isDirectory(join(path, 'active'))) return 'postfix';
  if (isDirectory(join(path, 'input'))) return 'exim';
  return readdirSync(path).every((name) => /^(?:[a-zA-Z]f|q?d?f?q)/.test(name) || name.startsWith('.'))
    ? 'sendmail'
    : undefined;
};

/** @throws Fault USAGE when a named directory holds no queue */
export const namedSpool = (path: string): Spool => {
  if (!isDirectory(path)) throw new Fault('USAGE', `--spool ${path}: there is no such directory`);
  const kind = kindOf(path);
  if (kind === undefined)
    throw new Fault(
      'USAGE',
      `--spool ${path}: it looks like no queue of Postfix, Exim or Sendmail (name their queue directory)`,
    );
  return { kind, path };
};

export const findSpools = (): readonly Spool[] =>
  places
    .filter((path) => existsSync(path))
    .flatMap((path) => {
      const kind: SpoolKind = path.includes('postfix') ? 'postfix' : path.includes('exim') ? 'exim' : 'sendmail';
      const isReal = kind === 'sendmail' || isDirectory(join(path, kind === 'exim' ? 'input' : 'deferred'));
      return isReal ? [{ kind, path }] : [];
    });
