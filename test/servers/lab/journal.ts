/** The journal of a machine without a syslog daemon: a real systemd-journald behind /dev/log, as on Debian 12. */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { awaitFile } from './await.ts';
import { startDaemon, stoppable } from './daemon.ts';
import type { Stoppable } from './daemon.ts';

const folders = ['/run/log/journal', '/run/systemd/journal'];
const socket = '/run/systemd/journal/dev-log';

export const startJournal = async (): Promise<Stoppable> => {
  for (const path of folders) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
  }
  const journald = startDaemon('journald', '/usr/lib/systemd/systemd-journald', []);
  await journald.until(awaitFile(socket));
  rmSync('/dev/log', { force: true });
  symlinkSync(socket, '/dev/log');
  return stoppable(async () => {
    await journald.stop();
    // Whoever comes next finds a machine without a journal.
    for (const path of ['/dev/log', ...folders]) rmSync(path, { recursive: true, force: true });
  });
};
