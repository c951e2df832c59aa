/**
 * A plain SMTP server on somebody else's library (Debian's python3-aiosmtpd): no XCLIENT, no PROXY, no enhanced codes, no
 * log that anybody reads. It stands in for Exchange and whatever else knows nothing of a gate in front of it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { awaitPorts } from './await.ts';
import { startDaemon, stoppable } from './daemon.ts';
import type { Daemon, Stoppable } from './daemon.ts';
import { labDir } from './door.ts';
import { freshDirectory, root } from './machine.ts';
import { hosts } from './network.ts';

export type Library = {
  readonly address: string;
  /** Of each message that it has: a line with sender, recipients and parameters, then the content. */
  readonly messages: () => readonly string[];
  /** A power cut, and it is started again on what the disk holds. */
  readonly crash: () => Promise<void>;
} & Stoppable;

export const startLibrary = async (): Promise<Library> => {
  const place = join(labDir(), 'library');
  freshDirectory(place, 0o700, root);
  const script = join(import.meta.dirname, 'library.py');
  const start = async (): Promise<Daemon> => {
    const daemon = startDaemon('library', '/usr/bin/python3', [script, hosts.library, '25', place]);
    await daemon.until(awaitPorts(hosts.library, [25]));
    return daemon;
  };
  let daemon = await start();
  return {
    address: hosts.library,
    messages: () =>
      readdirSync(place)
        .filter((name) => !name.startsWith('.'))
        .map((name) => readFileSync(join(place, name), 'latin1')),
    crash: async () => {
      await daemon.crash();
      await awaitPorts(hosts.library, [25], false);
      daemon = await start();
    },
    ...stoppable(() => daemon.stop()),
  };
};
