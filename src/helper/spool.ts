/** Looks at queue files: size, owner, first bytes, and whether somebody holds a lock on them (proc_locks(5)). */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { Fault } from '../model/fault.ts';
import type { LookedFile, SpoolVerb } from '../model/spool-verb.ts';
import type { FileFacts } from '../model/verb.ts';
import type { Allowance } from './allowance.ts';
import { inFolder } from './files/folder.ts';

/** Of one verb: a flood is taken in parts. */
const pathsMax = 5000;
const startBytesMax = 2 * 1024 * 1024;
const permissions = 0o7777;

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

const linesOf = (path: string): readonly string[] => readFileSync(path, 'latin1').split('\n');

/** `1: FLOCK  ADVISORY  WRITE 207 00:28:1644 0 EOF`: the devices that somebody holds a lock on, by inode. */
const lockedInodes = (): ReadonlyMap<string, readonly string[]> => {
  const devices = new Map<string, readonly string[]>();
  for (const line of linesOf('/proc/locks')) {
    const [, device, inode] = / ([0-9a-f]+:[0-9a-f]+):(\d+) /.exec(line) ?? [];
    if (device !== undefined && inode !== undefined) devices.set(inode, [...(devices.get(inode) ?? []), device]);
  }
  return devices;
};

/**
 * The device as the kernel's list of locks names it: the one of its mount (proc_pid_fdinfo(5), proc_pid_mountinfo(5)); what
 * stat(2) tells is another one on btrfs, which has one for each subvolume.
 */
const deviceOf = (descriptor: number): string | undefined => {
  const [, mount] =
    linesOf(`/proc/self/fdinfo/${descriptor}`)
      .map((line) => line.split(/\s+/))
      .find(([name]) => name === 'mnt_id:') ?? [];
  const [, , device] =
    linesOf('/proc/self/mountinfo')
      .map((line) => line.split(' '))
      .find(([id]) => id === mount) ?? [];
  const numbers = device?.split(':').map((part) => Number(part).toString(16).padStart(2, '0'));
  return numbers?.join(':');
};

/** Inodes are counted anew on each file system. A device that nobody names may be the one. */
const isLocked = ({ descriptor, inode }: OpenFile, locked: ReadonlyMap<string, readonly string[]>): boolean => {
  const devices = locked.get(inode);
  if (devices === undefined) return false;
  const own = deviceOf(descriptor);
  return own === undefined || devices.includes(own);
};

export type OpenFile = {
  readonly descriptor: number;
  readonly sizeBytes: number;
  readonly facts: FileFacts;
  readonly inode: string;
};

/** Opens a plain file below a root, never through a link. @returns undefined when it is not there */
export const withOpen = <T>(path: string, allowance: Allowance, use: (file: OpenFile) => T): T | undefined =>
  inFolder(path, allowance, (folder) => {
    let descriptor: number;
    try {
      descriptor = openSync(
        folder.place(folder.name),
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      );
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw new Fault('REFUSED_FOR_SAFETY', `${path} cannot be opened as a plain file (${codeOf(error)})`, {
        cause: error,
      });
    }
    try {
      const stat = fstatSync(descriptor, { bigint: true });
      if (!stat.isFile()) throw new Fault('REFUSED_FOR_SAFETY', `${path} is not a plain file`);
      const facts: FileFacts = {
        mode: Number(stat.mode) & permissions,
        uid: Number(stat.uid),
        gid: Number(stat.gid),
        modifiedNs: String(stat.mtimeNs),
        accessedNs: String(stat.atimeNs),
      };
      return use({ descriptor, sizeBytes: Number(stat.size), facts, inode: String(stat.ino) });
    } finally {
      closeSync(descriptor);
    }
  });

export const checkCount = (paths: readonly string[]): void => {
  if (paths.length > pathsMax) throw new Fault('REFUSED_FOR_SAFETY', `more than ${pathsMax} files at once`);
};

type Look = SpoolVerb & { readonly verb: 'look-files' };

export const lookFiles = ({ paths, startBytes }: Look, allowance: Allowance): readonly (LookedFile | undefined)[] => {
  checkCount(paths);
  const room = Buffer.alloc(Math.min(startBytes, startBytesMax));
  const locked = lockedInodes();
  return paths.map((path) =>
    withOpen(path, allowance, (file) => ({
      sizeBytes: file.sizeBytes,
      facts: file.facts,
      start: room.toString('latin1', 0, readSync(file.descriptor, room, 0, room.length, 0)),
      isBusy: isLocked(file, locked),
    })),
  );
};
