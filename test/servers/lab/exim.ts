/** Exim, unpacked beside Postfix, with /etc/exim4/exim4.conf, /var/spool/exim4 and /var/log/exim4 as on Debian. */
import { chmodSync, cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { awaitPorts } from './await.ts';
import { startDaemon, stoppable } from './daemon.ts';
import type { Daemon, Stoppable } from './daemon.ts';
import { freshDirectory, layConfig, unpack, userOf } from './machine.ts';
import { hasIPv6, hosts } from './network.ts';

export type EximOptions = {
  /** Exim's `log_selector`; the default is Exim's own with protocol errors. */
  readonly logSelector?: string;
  /** Rewrites the configuration before the start, for tests of hooks. */
  readonly edit?: (config: string) => string;
};

export type Exim = {
  readonly address: string;
  /** Only port 25, and only where `hasIPv6`. */
  readonly address6: string;
  readonly ports: { readonly smtp: 25; readonly submission: 587 };
  readonly mainLog: string;
  readonly rejectLog: string;
  /** The program, which is also the `sendmail` command when it is called so. */
  readonly program: string;
  /** A power cut: all of its processes are killed at once, and it is started again on what the disk holds. */
  readonly crash: () => Promise<void>;
} & Stoppable;

const logDir = '/var/log/exim4';
const untouched = (config: string): string => config;

export const startExim = async ({
  logSelector = '+smtp_protocol_error',
  edit = untouched,
}: EximOptions = {}): Promise<Exim> => {
  const tree = await unpack('exim4');
  const program = `${tree}/usr/sbin/exim4`;
  const exim = userOf('Debian-exim');
  const config = `${layConfig('exim4')}/exim4.conf`;
  const text = readFileSync(config, 'latin1')
    .replace('LAB_TREE', tree)
    .replace('LAB_LOG_SELECTOR', logSelector)
    .replace('LAB_INTERFACES', hasIPv6 ? `${hosts.exim} ; ${hosts.exim6}` : hosts.exim);
  writeFileSync(config, edit(text), 'latin1');
  rmSync('/usr/local/sbin/exim4', { force: true });
  symlinkSync(program, '/usr/local/sbin/exim4');
  chmodSync(program, 0o4755); // as its package does: a local script hands mail in through it
  for (const dir of ['/var/spool/exim4', logDir, '/run/exim4']) freshDirectory(dir, 0o755, exim);
  // No queue runner: it would try, at a moment of its own, what a test has in its hands.
  const start = async (): Promise<Daemon> => {
    const daemon = startDaemon('exim', program, ['-bdf']);
    await daemon.until(awaitPorts(hosts.exim, [25, 587]));
    return daemon;
  };
  let daemon = await start();
  return {
    address: hosts.exim,
    address6: hosts.exim6,
    ports: { smtp: 25, submission: 587 },
    mainLog: `${logDir}/mainlog`,
    rejectLog: `${logDir}/rejectlog`,
    program,
    crash: async () => {
      await daemon.crash();
      await awaitPorts(hosts.exim, [25, 587], false);
      daemon = await start();
    },
    ...stoppable(() => daemon.stop()),
  };
};

/** Debian's own configuration, as its packages lay it, instead of the lab's; nothing is started. */
export const layDebianExim = async (): Promise<void> => {
  const tree = await unpack('exim4');
  const exim = userOf('Debian-exim');
  rmSync('/etc/exim4', { recursive: true, force: true });
  cpSync(`${tree}/etc/exim4`, '/etc/exim4', { recursive: true });
  writeFileSync('/etc/mailname', 'mx.lab.test\n');
  freshDirectory('/var/lib/exim4', 0o755, exim);
  rmSync('/usr/local/sbin/exim4', { force: true });
  symlinkSync(`${tree}/usr/sbin/exim4`, '/usr/local/sbin/exim4');
  const script = readFileSync(`${tree}/usr/sbin/update-exim4.conf`, 'latin1');
  writeFileSync(
    '/usr/local/sbin/update-exim4.conf',
    script.replace('EXIM="/usr/sbin/exim4"', 'EXIM="/usr/local/sbin/exim4"'),
    {
      mode: 0o755,
    },
  );
};
