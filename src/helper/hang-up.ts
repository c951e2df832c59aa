/** Has a mail server's daemon read its configuration again (SIGHUP): the one whose pid file says so, and only if it is one. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../model/fault.ts';
import type { HangUpDaemon } from '../model/verb.ts';

type Daemon = {
  /** The file names of its program. */
  readonly programs: readonly string[];
  /** Where distributions have it write its process id. */
  readonly pidFiles: readonly string[];
};

const daemons: Readonly<Record<HangUpDaemon, Daemon>> = {
  exim: {
    programs: ['exim4', 'exim'],
    pidFiles: ['/run/exim4/exim.pid', '/run/exim.pid', '/var/spool/exim/exim-daemon.pid'],
  },
  sendmail: {
    programs: ['sendmail', 'sendmail-mta', 'sendmail.sendmail'],
    pidFiles: ['/run/sendmail/mta/sendmail.pid', '/run/sendmail.pid', '/run/sendmail/sendmail.pid'],
  },
};

/** Sendmail writes its command line below the number. */
export const pidIn = (file: string): number | undefined => {
  try {
    const pid = Number(readFileSync(file, 'latin1').split('\n')[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
};

/** undefined for what is gone by now: a daemon opens and closes files while its list of them is read. */
export const linkAt = (path: string): string | undefined => {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
};

/** A program that was replaced by an upgrade is marked so. */
export const programOf = (pid: number): string =>
  basename(linkAt(`/proc/${pid}/exe`) ?? '').replace(/ \(deleted\)$/, '');

/** Inodes of its sockets that listen (proc_pid_net(5): state 0A). */
const listeningOf = (pid: number): ReadonlySet<string> => {
  try {
    const folder = `/proc/${pid}/fd`;
    const own = new Set(
      readdirSync(folder).map((fd) => /^socket:\[(\d+)\]$/.exec(linkAt(`${folder}/${fd}`) ?? '')?.[1]),
    );
    const listening = ['tcp', 'tcp6']
      .flatMap((name) => readFileSync(`/proc/${pid}/net/${name}`, 'latin1').split('\n').slice(1))
      .map((line) => line.trim().split(/ +/))
      .filter(([, , , state]) => state === '0A')
      .flatMap(({ 9: inode }) => (inode === undefined ? [] : [inode]));
    return new Set(listening.filter((inode) => own.has(inode)));
  } catch {
    return new Set();
  }
};

/** Exim ignores SIGHUP while it begins (proc_pid_status(5): SigCgt, a hexadecimal mask; SIGHUP is its lowest bit). */
const hearsHangUp = (pid: number): boolean => {
  try {
    return /^SigCgt:\s*[0-9a-f]*[13579bdf]$/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
};

/** Of a slow and busy machine. */
export const anewMsMax = 30_000;
const againEveryMs = 250;
export const lookEveryMs = 20;

/**
 * Both execute themselves anew, and listen with new sockets then: until that the old settings answer. Told again while the
 * old ones listen: a signal just before its poll(2) is heeded by Exim at its next connection only.
 */
const beginAnew = async (pid: number, file: string): Promise<boolean> => {
  const before = listeningOf(pid);
  process.kill(pid, 'SIGHUP');
  if (before.size === 0) return true;
  const began = Date.now();
  for (let told = began; Date.now() - began < anewMsMax; await pause(lookEveryMs)) {
    const next = pidIn(file) ?? 0;
    const now = listeningOf(next);
    if (now.size > 0 && now.isDisjointFrom(before)) {
      if (hearsHangUp(next)) return true;
    } else if (now.size > 0 && Date.now() - told >= againEveryMs) {
      process.kill(next, 'SIGHUP');
      told = Date.now();
    }
  }
  return false;
};

/**
 * @returns once it listens with what it has read; false when it does not run
 * @throws Fault PARTLY_DONE when it was told, but did not begin anew in time
 */
export const hangUp = async (daemon: HangUpDaemon): Promise<boolean> => {
  const { programs, pidFiles } = daemons[daemon];
  for (const file of pidFiles) {
    const pid = pidIn(file);
    if (pid === undefined || !programs.includes(programOf(pid))) continue;
    if (await beginAnew(pid, file)) return true;
    throw new Fault(
      'PARTLY_DONE',
      `${daemon} (${pid}) was told to read its configuration, but did not begin anew within ${anewMsMax / 1000} s: its log says why; restart it`,
    );
  }
  return false;
};
