/** The journal of a machine without a syslog daemon: a real systemd-journald behind /dev/log, as on Debian 12. */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { awaitFile, until } from './await.ts';
import { runCommand, startDaemon, stoppable } from './daemon.ts';
import type { Stoppable } from './daemon.ts';

const folders = ['/run/log/journal', '/run/systemd/journal'];
const socket = '/run/systemd/journal/dev-log';

export type Journal = {
  /** Resolves when all that was logged until now stands in the journal. */
  readonly settle: () => Promise<void>;
} & Stoppable;

export const startJournal = async (): Promise<Journal> => {
  for (const path of folders) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
  }
  const journald = startDaemon('journald', '/usr/lib/systemd/systemd-journald', []);
  await journald.until(awaitFile(socket));
  rmSync('/dev/log', { force: true });
  symlinkSync(socket, '/dev/log');
  let marks = 0;
  const settle = async (): Promise<void> => {
    const mark = `mark ${++marks}.`;
    await runCommand('logger', ['-p', 'mail.info', '-t', 'lab', mark]);
    const newest = ['--quiet', '--output=cat', '--lines=1', 'SYSLOG_IDENTIFIER=lab'];
    await until(
      () => `${mark} does not come into the journal`,
      async () => (await runCommand('journalctl', newest)).trim() === mark,
    );
  };
  return {
    settle,
    ...stoppable(async () => {
      await journald.stop();
      // Whoever comes next finds a machine without a journal.
      for (const path of ['/dev/log', ...folders]) rmSync(path, { recursive: true, force: true });
    }),
  };
};
