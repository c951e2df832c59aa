/** Postfix at its stock places: /etc/postfix, /var/spool/postfix, ports 25 and 587, logging to syslog. */
import { appendFileSync } from 'node:fs';
import { createAllowance } from '../../../src/helper/allowance.ts';
import { createCarryOut } from '../../../src/helper/carry-out.ts';
import { awaitPorts } from './await.ts';
import { runCommand, startDaemon, stoppable } from './daemon.ts';
import type { Daemon, Stoppable } from './daemon.ts';
import { freshDirectory, layConfig, root, userOf } from './machine.ts';
import { hasIPv6, hosts } from './network.ts';

export type PostfixOptions = {
  /** Parameters that replace those of `etc/postfix/main.cf`. */
  readonly mainCf?: Readonly<Record<string, string>>;
  /** Entries appended to `etc/postfix/master.cf`. */
  readonly masterCf?: string;
};

export type Postfix = {
  readonly address: string;
  /** Only port 25, and only where `hasIPv6`. */
  readonly address6: string;
  /** postscreen stands on an address of its own, at port 25 too. */
  readonly postscreen: string;
  readonly ports: { readonly smtp: 25; readonly submission: 587 };
  /** A power cut: all of its processes are killed at once, and it is started again on what the disk holds. */
  readonly crash: () => Promise<void>;
} & Stoppable;

const never = '3600s';
/** For `mainCf`: nothing that waits is tried again by itself. */
export const noQueueRuns = {
  queue_run_delay: never,
  minimal_backoff_time: never,
  maximal_backoff_time: never,
  maximal_queue_lifetime: '1d',
} as const;

/** Resolves when no session is under the old configuration any more, as the product has it. */
export const reloadPostfix = async (): Promise<void> => {
  const carryOut = createCarryOut(createAllowance());
  const { status, stderr } = await carryOut({ verb: 'run', program: 'postfix', args: ['reload'] });
  if (status !== 0) throw new Error(`postfix reload ended with ${status}: ${stderr}`);
};

const startMaster = async (): Promise<Daemon> => {
  // `postfix start-fg` would stand between: it does not pass a signal on.
  const master = startDaemon('postfix', '/usr/lib/postfix/sbin/master', ['-s']);
  await master.until(awaitPorts(hosts.postfix, [25, 587]));
  return master;
};

export const startPostfix = async ({ mainCf = {}, masterCf = '' }: PostfixOptions = {}): Promise<Postfix> => {
  const config = layConfig('postfix');
  for (const [name, value] of Object.entries(mainCf))
    await runCommand('postconf', ['-c', config, '-e', `${name}=${value}`]);
  const overIPv6 = hasIPv6 ? `[${hosts.postfix6}]:25 inet n - n - - smtpd\n` : '';
  appendFileSync(`${config}/master.cf`, `${overIPv6}${masterCf}\n`);
  freshDirectory('/var/spool/postfix', 0o755, root);
  freshDirectory('/var/lib/postfix', 0o755, userOf('postfix'));
  await runCommand('postfix', ['check']); // makes the queue directories
  let master = await startMaster();
  return {
    address: hosts.postfix,
    address6: hosts.postfix6,
    postscreen: hosts.postscreen,
    ports: { smtp: 25, submission: 587 },
    crash: async () => {
      await master.crash();
      await awaitPorts(hosts.postfix, [25, 587], false);
      master = await startMaster();
    },
    // Its smtpd(8) have the ports, too, and may end behind it.
    ...stoppable(async () => {
      await master.stop();
      await awaitPorts(hosts.postfix, [25, 587], false);
    }),
  };
};
