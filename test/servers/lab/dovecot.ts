/** Dovecot at its stock places: IMAP, POP3, LMTP, quota status, and the passwords for Postfix and Exim. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { awaitPorts } from './await.ts';
import { startDaemon, stoppable } from './daemon.ts';
import type { Stoppable } from './daemon.ts';
import { freshDirectory, layConfig, userOf } from './machine.ts';
import { hosts } from './network.ts';

export type Dovecot = {
  readonly address: string;
  readonly ports: { readonly imap: 143; readonly pop3: 110; readonly lmtp: 24 };
} & Stoppable;

/** @param settings appended to `etc/dovecot/dovecot.conf`; what stands later wins */
export const startDovecot = async (settings = ''): Promise<Dovecot> => {
  const config = `${layConfig('dovecot')}/dovecot.conf`;
  appendFileSync(config, `\n${settings}\n`);
  freshDirectory('/var/spool/vmail', 0o755, userOf('vmail'));
  mkdirSync('/run/dovecot', { recursive: true });
  const master = startDaemon('dovecot', '/usr/sbin/dovecot', ['-F', '-c', config]);
  const { dovecot: address } = hosts;
  const ports = { imap: 143, pop3: 110, lmtp: 24 } as const;
  await master.until(awaitPorts(address, Object.values(ports)));
  return {
    address,
    ports,
    // Its login processes have the ports, too, and may end behind it.
    ...stoppable(async () => {
      await master.stop();
      await awaitPorts(address, Object.values(ports), false);
    }),
  };
};
