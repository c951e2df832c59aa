/** The machine's syslog: a real rsyslogd on /dev/log, as on a Debian mail server. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { awaitFile, awaitLine } from './await.ts';
import { startDaemon, stoppable } from './daemon.ts';
import type { Stoppable } from './daemon.ts';
import { layConfig } from './machine.ts';

export type Syslog = {
  /** `Nov 21 00:10:31 mx prog[pid]: …` */
  readonly traditional: string;
  /** `2026-11-21T00:10:31.123456+00:00 mx prog[pid]: …` */
  readonly iso: string;
  /** Resolves when all that was logged until now stands in both files. */
  readonly settle: () => Promise<void>;
} & Stoppable;

const traditional = '/var/log/mail.log';
const iso = '/var/log/mail.iso.log';

export const startSyslog = async (): Promise<Syslog> => {
  for (const path of [traditional, iso, '/dev/log']) rmSync(path, { force: true });
  mkdirSync('/var/spool/rsyslog', { recursive: true });
  const config = join(layConfig('rsyslog'), 'lab.conf');
  const rsyslogd = startDaemon('rsyslogd', '/usr/sbin/rsyslogd', ['-n', '-f', config, '-i', 'NONE']);
  await rsyslogd.until(awaitFile('/dev/log'));
  // One that stays: it is asked often, and sends each line at once.
  const logger = spawn('logger', ['-p', 'mail.info', '-t', 'lab'], { stdio: ['pipe', 'ignore', 'inherit'] });
  let marks = 0;
  const settle = async (): Promise<void> => {
    const mark = `mark ${++marks}.`;
    logger.stdin.write(`${mark}\n`);
    for (const path of [traditional, iso]) await awaitLine(path, mark, (line) => line.endsWith(mark));
  };
  await settle();
  const stop = async (): Promise<void> => {
    logger.stdin.end();
    await rsyslogd.stop();
  };
  return { traditional, iso, settle, ...stoppable(stop) };
};
