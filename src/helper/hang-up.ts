/** Has a mail server's daemon read its configuration again (SIGHUP): the one whose pid file says so, and only if it is one. */
import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
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
const pidIn = (file: string): number | undefined => {
  try {
    const pid = Number(readFileSync(file, 'latin1').split('\n')[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
};

const programOf = (pid: number): string | undefined => {
  try {
    // A program that was replaced by an upgrade is marked so.
    return basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
  } catch {
    return undefined;
  }
};

/** @returns false when it does not run */
export const hangUp = (daemon: HangUpDaemon): boolean => {
  const { programs, pidFiles } = daemons[daemon];
  for (const file of pidFiles) {
    const pid = pidIn(file);
    if (pid === undefined || !programs.includes(programOf(pid) ?? '')) continue;
    process.kill(pid, 'SIGHUP');
    return true;
  }
  return false;
};
