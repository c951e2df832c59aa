/** What the helper may touch: folders, their owners, and where programs lie. Everything else is refused. */
import { readFileSync } from 'node:fs';
import { programs } from '../model/verb.ts';
import type { Program } from '../model/verb.ts';

export type Root = {
  /** A folder or a file. */
  readonly path: string;
  /** Files may belong to anybody (a hosting panel gives each domain's file to its customer); folders never. */
  readonly anyOwner?: boolean;
};

export type Allowance = {
  readonly roots: readonly Root[];
  /** Who may own a folder on the way, and a file that is replaced. */
  readonly owners: ReadonlySet<number>;
  /** Where each program may lie; the first that is there is run. */
  readonly places: ReadonlyMap<Program, readonly string[]>;
  /** Locks accounts of a user store of its own; told `lock`, `unlock` or `status`, and the account. */
  readonly accountCommand: readonly string[] | undefined;
  /** Never blocked, besides what the machine itself shows (`protection.ts`). */
  readonly protect: readonly string[];
};

const roots: readonly Root[] = [
  ...['postfix', 'exim4', 'exim', 'mqueue', 'mqueue-client'].map((name) => ({ path: `/var/spool/${name}` })),
  { path: '/var/lib/postern/evidence' },
  ...[
    'postfix',
    'exim4',
    'exim',
    'exim.conf',
    'mail',
    'dovecot',
    'aliases',
    'aliases.db',
    'aliases.lmdb',
    'aliases.cdb',
    'postern',
  ].map((name) => ({ path: `/etc/${name}` })),
  // cPanel, DirectAdmin.
  ...['valiases', 'vdomainaliases', 'vfilters', 'localdomains', 'virtual'].map((name) => ({
    path: `/etc/${name}`,
    anyOwner: true,
  })),
];

/** Users that mail servers' packages give their own configuration folders and queues to, and the guard's own. */
const serviceUsers = new Set([
  'root',
  'postern',
  'postfix',
  'smmsp',
  'smmta',
  'mail',
  'mailnull',
  'exim',
  'Debian-exim',
  'dovecot',
  'cpanel',
]);

/** getpwnam(3), for local users. */
export const userNamed = (name: string): { readonly uid: number; readonly gid: number } | undefined => {
  const entry = readFileSync('/etc/passwd', 'latin1')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([user]) => user === name);
  return entry === undefined ? undefined : { uid: Number(entry[2]), gid: Number(entry[3]) };
};

const ownersHere = (): Set<number> => {
  const own = process.getuid?.();
  const entries = readFileSync('/etc/passwd', 'latin1')
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([name = '']) => serviceUsers.has(name))
    .map(([, , uid]) => Number(uid));
  return new Set([...entries, ...(own === undefined ? [] : [own])]);
};

const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin'];
const otherNames = new Map<Program, readonly string[]>([
  ['exim', ['exim', 'exim4']],
  ['makemap', ['makemap', '../lib/sm.bin/makemap', '../libexec/sendmail/makemap']],
  // Where several mail servers are installed, `sendmail` may be another one's.
  [
    'sendmail-mta',
    ['sendmail-mta', 'sendmail.sendmail', '../lib/sm.bin/sendmail', '../libexec/sendmail/sendmail', 'sendmail'],
  ],
  ['sendmail', ['sendmail', '../lib/sm.bin/sendmail', '../libexec/sendmail/sendmail']],
]);

/** @param more roots and places that this installation has besides (root's own configuration, never a client's word) */
export const createAllowance = (
  more: Partial<Pick<Allowance, 'roots' | 'places' | 'protect' | 'accountCommand'>> = {},
): Allowance => ({
  protect: more.protect ?? [],
  accountCommand: more.accountCommand,
  roots: [...roots, ...(more.roots ?? [])],
  owners: ownersHere(),
  places: new Map(
    programs.map((program) => [
      program,
      [
        ...(more.places?.get(program) ?? []),
        ...(otherNames.get(program) ?? [program]).flatMap((name) => folders.map((folder) => `${folder}/${name}`)),
      ],
    ]),
  ),
});
