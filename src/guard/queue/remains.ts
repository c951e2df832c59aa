/**
 * What a thief may have left besides mail: open sessions, further passwords, forwards and filters, and which of them are new
 * since the incident began. Looked at, nothing is changed; what cannot be looked at is said.
 */
import { Fault, errorWords } from '../../model/fault.ts';
import type { CarryOut } from '../../model/verb.ts';
import { findAliases } from '../../sense/aliases/find.ts';
import { filtersIn } from '../../sense/accounts/filters.ts';
import type { Filter } from '../../sense/accounts/filters.ts';
import { isOutside, readAliases } from '../../servers/aliases/alias-file.ts';
import { homeIn, passwordFilesIn, sessionsIn } from '../../servers/dovecot/account.ts';
import type { Session } from '../../servers/dovecot/account.ts';

type Forward = { readonly path: string; readonly targets: readonly string[] };

export type Remains = {
  readonly account: string;
  readonly sessions: readonly Session[];
  /** Password files that name it: more than one, or one for applications, is more than one password. */
  readonly passwordFiles: readonly string[];
  readonly forwards: readonly Forward[];
  readonly filters: readonly (Filter & { readonly isNew: boolean })[];
  readonly unread: readonly string[];
};

const accountPattern = /^[A-Za-z0-9_][A-Za-z0-9_.+@=-]{0,250}$/;

const forwardsOf = async (account: string): Promise<readonly Forward[]> => {
  const { files, localDomains } = await findAliases();
  const local = new Set(localDomains);
  return files.flatMap(({ path, format, text }) =>
    readAliases(text, format)
      .filter(({ key }) => key.toLowerCase() === account)
      .map(({ targets }) => ({ path, targets: targets.filter((target) => isOutside(target, local)) }))
      .filter(({ targets }) => targets.length > 0),
  );
};

const namesIt = async (path: string, account: string, carryOut: CarryOut): Promise<boolean> => {
  const seen = await carryOut({ verb: 'read-file', path });
  const text = Buffer.from(seen?.bytes ?? []).toString('latin1');
  return text.split('\n').some((line) => line.toLowerCase().startsWith(`${account}:`));
};

/** @param since milliseconds since 1970: filters that changed later are new */
export const remainsOf = async (account: string, since: number, carryOut: CarryOut): Promise<Remains> => {
  const name = account.toLowerCase();
  const unread: string[] = [];
  const tried = async <T>(what: string, work: () => Promise<T>, otherwise: T): Promise<T> =>
    work().catch((error: unknown) => {
      // Not every mail server has Dovecot.
      const isMissing = error instanceof Fault && error.code === 'CONFIG';
      unread.push(isMissing ? 'sessions and passwords (there is no Dovecot here)' : `${what}: ${errorWords(error)}`);
      return otherwise;
    });
  const asked = (program: 'doveadm' | 'doveconf', args: readonly string[]): Promise<string> =>
    tried(program, async () => (await carryOut({ verb: 'run', program, args })).stdout, '');
  const mayAsk = accountPattern.test(name);
  const home = mayAsk ? homeIn(await asked('doveadm', ['user', name])) : undefined;
  const sessions = mayAsk ? sessionsIn(await asked('doveadm', ['who', name])) : [];
  const passwordFiles: string[] = [];
  for (const path of passwordFilesIn(await asked('doveconf', ['-n'])))
    if (await tried(path, () => namesIt(path, name, carryOut), false)) passwordFiles.push(path);
  const filters = home === undefined ? [] : await tried(home, () => filtersIn(home), []);
  return {
    account: name,
    sessions,
    passwordFiles,
    forwards: await tried('alias files', () => forwardsOf(name), []),
    filters: filters.map((filter) => ({ ...filter, isNew: filter.changed >= since })),
    unread: [...new Set(unread)],
  };
};

const sendsTo = (addresses: readonly string[]): string =>
  addresses.length === 0 ? '' : ` (sends to ${addresses.join(', ')})`;

/** A sentence part each; what moves first. */
export const remainsWords = ({ sessions, passwordFiles, forwards, filters, unread }: Remains): readonly string[] => [
  ...sessions.map(
    ({ protocol, count, clients }) =>
      `${count} open ${protocol} session${count === 1 ? '' : 's'} from ${clients.join(', ')}`,
  ),
  ...filters.map(({ path, isNew, sendsTo: to }) => `${isNew ? 'NEW since it began: ' : ''}${path}${sendsTo(to)}`),
  ...forwards.map(({ path, targets }) => `forwarded to ${targets.join(', ')} in ${path}`),
  ...(passwordFiles.length === 0 ? [] : [`its passwords are in ${passwordFiles.join(', ')}`]),
  ...unread.map((what) => `could not be looked at: ${what}`),
];
