/** NSD, a real name server, with the zones of a test. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { awaitPorts } from './await.ts';
import { runCommand, startDaemon, stoppable } from './daemon.ts';
import type { Stoppable } from './daemon.ts';
import { labDir } from './door.ts';
import { hosts } from './network.ts';

/** Lifetimes in seconds: of what there is, and of what there is not. */
const head =
  '$TTL 300\n@ SOA ns.internet.test. hostmaster.internet.test. 1 3600 600 86400 60\n@ NS ns.internet.test.\n';

export type Nsd = {
  /** Questions that it has answered so far, as it counts them itself, without those for the name of an address. */
  readonly questions: () => Promise<number>;
} & Stoppable;

/** @param zones their names, and their records as a zone file has them (RFC 1035 §5) */
export const startNsd = async (
  zones: Readonly<Record<string, readonly string[]>>,
  address: string = hosts.names,
): Promise<Nsd> => {
  const place = join(labDir(), `nsd-${address}`);
  mkdirSync(place, { recursive: true });
  const config = [
    `server:\n ip-address: ${address}\n username: ""\n chroot: ""\n server-count: 1\n rrl-ratelimit: 0`,
    ` zonesdir: "${place}"\n zonelistfile: "${place}/list"\n xfrdfile: "${place}/xfrd"\n pidfile: "${place}/pid"\n xfrdir: "${place}"\n database: ""`,
    `remote-control:\n control-enable: yes\n control-interface: "${place}/control"`,
  ];
  for (const [zone, records] of Object.entries(zones)) {
    const file = join(place, `zone-${zone}`);
    writeFileSync(file, `${head}${records.join('\n')}\n`);
    config.push(`zone:\n name: "${zone}"\n zonefile: "${file}"`);
  }
  const file = join(place, 'nsd.conf');
  writeFileSync(file, `${config.join('\n')}\n`);
  const daemon = startDaemon('nsd', '/usr/sbin/nsd', ['-d', '-c', file]);
  await daemon.until(awaitPorts(address, [53]));
  return {
    questions: async () => {
      const counts = await runCommand('/usr/sbin/nsd-control', ['-c', file, 'stats_noreset']);
      const countOf = (name: string): number => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(counts)?.[1] ?? 0);
      return countOf('num.queries') - countOf('num.type.PTR');
    },
    ...stoppable(daemon.stop),
  };
};
