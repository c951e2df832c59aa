/**
 * Opens the folder of a path step by step, each through the descriptor of the one before (as openat(2) does), so that
 * nobody can put a symbolic link in between after the check.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Fault } from '../../model/fault.ts';
import type { Allowance, Root } from '../allowance.ts';

const pathLengthMax = 1024;
const worldWritable = 0o002;
const sticky = 0o1000;
const closed = -1;

const refuse = (path: string, why: string): never => {
  throw new Fault('REFUSED_FOR_SAFETY', `${path}: ${why}; the helper does not touch it`);
};

const isControl = (character: string): boolean => character < ' ' || character === '\u007f';

/** @throws Fault REFUSED_FOR_SAFETY unless the path is plain and below a root */
export const rootOf = (path: string, { roots }: Allowance): Root => {
  const parts = path.split('/');
  const isPlain =
    path.length <= pathLengthMax &&
    path.startsWith('/') &&
    !path.split('').some(isControl) &&
    parts.slice(1).every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isPlain) return refuse(path, 'not a plain absolute path');
  return (
    roots.find((root) => path === root.path || path.startsWith(`${root.path}/`)) ??
    refuse(path, `not below one of ${roots.map((root) => root.path).join(', ')}`)
  );
};

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

const openStep = (place: string, path: string): number | undefined => {
  try {
    // O_NOFOLLOW: a symbolic link gives ENOTDIR.
    return openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    return codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ELOOP'
      ? refuse(path, 'a symbolic link or a file stands where a folder should')
      : refuse(path, `its folder cannot be opened (${codeOf(error)})`);
  }
};

export type Folder = {
  /** The place of the file through the opened folder. */
  readonly place: (name: string) => string;
  readonly name: string;
  readonly descriptor: number;
};

/** The folder of a path, for the caller to close; undefined when there is no such folder. */
export const openFolder = (path: string, allowance: Allowance): Folder | undefined => {
  rootOf(path, allowance);
  const parts = path.split('/').slice(1);
  const name = parts.pop() ?? '';
  let descriptor = openSync('/', constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const [at, part] of parts.entries()) {
      const next = openStep(`/proc/self/fd/${descriptor}/${part}`, path);
      closeSync(descriptor);
      descriptor = next ?? closed;
      if (next === undefined) return undefined;
      const { uid, mode } = fstatSync(descriptor);
      const isLast = at === parts.length - 1;
      if (!allowance.owners.has(uid))
        return refuse(path, `/${parts.slice(0, at + 1).join('/')} belongs to user ${uid}`);
      if ((mode & worldWritable) !== 0 && (isLast || (mode & sticky) === 0))
        return refuse(path, `everybody may write to /${parts.slice(0, at + 1).join('/')}`);
    }
    const folder = descriptor;
    return { place: (entry) => `/proc/self/fd/${folder}/${entry}`, name, descriptor };
  } catch (error) {
    if (descriptor !== closed) closeSync(descriptor);
    throw error;
  }
};

/** Calls `work` with the folder of a path; undefined when there is no such folder. */
export const inFolder = <T>(path: string, allowance: Allowance, work: (folder: Folder) => T): T | undefined => {
  const folder = openFolder(path, allowance);
  if (folder === undefined) return undefined;
  try {
    return work(folder);
  } finally {
    closeSync(folder.descriptor);
  }
};
