/**
 * Rspamd as a milter, with its package's own configuration, for one row beside ours: without Redis, and without a network for
 * its remote lists, so it does less than it would at a site. Its packages are not brought by the tests:
 *
 *   cd FOLDER && apt-get download rspamd libhyperscan5 libluajit-5.1-2 libluajit-5.1-common
 *
 * They are unpacked into the lab's memory and laid over its /usr, because Rspamd has its places compiled in.
 */
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { awaitPorts } from '../../test/servers/lab/await.ts';
import { runCommand, startDaemon } from '../../test/servers/lab/daemon.ts';
import { labDir } from '../../test/servers/lab/door.ts';

export const rspamdPort = 11_332;

const layOverUsr = async (packages: string): Promise<string> => {
  const tree = join(labDir(), 'rspamd');
  if (globSync(`${tree}/usr`).length > 0) return tree;
  const debs = globSync(join(packages, '*.deb'));
  if (debs.length === 0) throw new Error(`no packages in ${packages}`);
  mkdirSync(tree, { recursive: true });
  for (const deb of debs) await runCommand('dpkg', ['-x', deb, tree]);
  await runCommand('mount', ['-t', 'overlay', 'overlay', '-o', `ro,lowerdir=${tree}/usr:/usr`, '/usr']);
  return tree;
};

/** @param packages the folder with the packages */
export const startRspamd = async (packages: string): Promise<AsyncDisposable> => {
  const etc = join(await layOverUsr(packages), 'etc/rspamd');
  const run = '/run/rspamd-bench';
  mkdirSync(run, { recursive: true });
  const config = join(run, 'rspamd.conf');
  writeFileSync(
    config,
    `.include "${etc}/common.conf"
options { pidfile = "${run}/pid"; hs_cache_dir = "${run}"; dns { nameserver = ["127.0.0.1"]; timeout = 1s; } }
logging { type = "console"; level = "error"; }
worker "hs_helper" { cache_dir = "${run}"; }
worker "rspamd_proxy" {
  bind_socket = "127.0.0.1:${rspamdPort}"; milter = yes; timeout = 5s; count = 2;
  upstream "local" { default = yes; self_scan = yes; }
}
`,
  );
  const places = { CONFDIR: etc, LOCAL_CONFDIR: etc, DBDIR: run, RUNDIR: run, LOGDIR: run };
  const daemon = startDaemon('rspamd', 'rspamd', [
    '-f',
    '-i',
    '-c',
    config,
    ...Object.entries(places).map(([name, place]) => `--var=${name}=${place}`),
  ]);
  await daemon.until(awaitPorts('127.0.0.1', [rspamdPort]));
  return daemon;
};
