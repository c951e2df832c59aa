/** The lab's machine: its /etc is a private copy (enter.sh), filled here from `lab/etc`, and its own users. */
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { labDir } from './door.ts';
import { runCommand } from './daemon.ts';

const labEtc = join(import.meta.dirname, 'etc');
const debDir = join(import.meta.dirname, '../../../.lab');

type Owner = { readonly uid: number; readonly gid: number };

/** Fixed ids, so that nothing depends on what the host has; Debian's packages would pick some at installation. */
const ownUsers = new Map([
  ['vmail', 6001],
  ['Debian-exim', 6002],
  ['smmta', 6003],
  ['smmsp', 6004],
  ['laba', 6005],
  ['labb', 6006],
  ['labfull', 6007],
]);

const entryOf = (file: string, name: string): string[] | undefined =>
  readFileSync(file, 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
    ?.split(':');

/** uid and gid of a user, who is made when it is one of ours and not there yet. */
export const userOf = (name: string): Owner => {
  const id = ownUsers.get(name);
  if (id !== undefined && entryOf('/etc/passwd', name) === undefined) {
    appendFileSync('/etc/passwd', `${name}:x:${id}:${id}::/nonexistent:/usr/sbin/nologin\n`);
    appendFileSync('/etc/group', `${name}:x:${id}:\n`);
  }
  const [, , uid, gid] = entryOf('/etc/passwd', name) ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`there is no user ${name} in /etc/passwd`);
  return { uid: Number(uid), gid: Number(gid) };
};

export const root: Owner = { uid: 0, gid: 0 };

/** Copies a folder of lab/etc to the same place below /etc and returns that place. */
export const layConfig = (folder: string): string => {
  labDir(); // outside the lab this would be the real /etc
  const place = join('/etc', folder);
  cpSync(join(labEtc, folder), place, { recursive: true });
  return place;
};

/** An empty directory, whatever an earlier start has left there. */
export const freshDirectory = (path: string, mode: number, { uid, gid }: Owner): void => {
  mkdirSync(path, { recursive: true }); // and not away with it first: it may be a mount point
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true });
  chownSync(path, uid, gid);
  chmodSync(path, mode); // after chown, which clears set-id bits
};

/** Unpacks Debian packages into the lab's memory, once a run, and returns the root of the tree. */
export const unpack = async (prefix: 'exim4' | 'sendmail'): Promise<string> => {
  const tree = join(labDir(), prefix);
  if (globSync(`${tree}/usr`).length > 0) return tree;
  const debs = globSync(join(debDir, `${prefix}-*.deb`));
  if (debs.length === 0) throw new Error(`no ${prefix}-*.deb in ${debDir}: test/servers/lab/prepare.ts brings them`);
  mkdirSync(tree, { recursive: true });
  for (const deb of debs) await runCommand('dpkg', ['-x', deb, tree]);
  return tree;
};
