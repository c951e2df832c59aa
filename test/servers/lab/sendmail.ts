/** Sendmail, unpacked beside Postfix: /etc/mail, /var/spool/mqueue, an MTA, an MSA and the sendmail command of scripts. */
import { chmodSync, chownSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { awaitPorts } from './await.ts';
import { runCommand, startDaemon, stoppable } from './daemon.ts';
import type { Daemon, Stoppable } from './daemon.ts';
import { freshDirectory, layConfig, root, unpack, userOf } from './machine.ts';
import { hasIPv6, hosts } from './network.ts';

export type Sendmail = {
  readonly address: string;
  /** Only port 25, and only where `hasIPv6`. */
  readonly address6: string;
  readonly ports: { readonly smtp: 25; readonly submission: 587 };
  /** The set-gid `sendmail` command. */
  readonly program: string;
  /** A power cut: all of its processes are killed at once, and it is started again on what the disk holds. */
  readonly crash: () => Promise<void>;
} & Stoppable;

const passwords = new Map([
  ['alice', 'alicepw'],
  ['bob', 'bobpw'],
]);
const sasldb = '/etc/sasl2/sasldb2';

/** Cyrus SASL keeps its own passwords; group smmsp may read them, nobody else. */
const makePasswords = async (group: number): Promise<void> => {
  layConfig('sasl2');
  for (const [user, password] of passwords) {
    await runCommand('/usr/sbin/saslpasswd2', ['-p', '-c', '-f', sasldb, '-u', 'lab.test', user], password);
  }
  chownSync(sasldb, 0, group);
  chmodSync(sasldb, 0o640);
};

const overIPv6 = hasIPv6 ? `DAEMON_OPTIONS(\`Family=inet6, Name=MTA6, Port=25, Addr=${hosts.sendmail6}')dnl\n` : '';

const makeConfig = async (tree: string, more: string): Promise<void> => {
  const config = layConfig('mail');
  const cf = `${tree}/usr/share/sendmail/cf`;
  for (const name of ['sendmail', 'submit']) {
    const source = readFileSync(`${config}/${name}.mc`, 'latin1')
      .replaceAll('LAB_CF', cf)
      .replaceAll('LAB_TREE', tree)
      .replace('LAB_MORE', `${overIPv6}${more}`);
    writeFileSync(`${config}/${name}.cf`, await runCommand('m4', [`-D_CF_DIR_=${cf}/`, '-'], source), 'latin1');
  }
  for (const map of ['access', 'virtusertable']) {
    const text = readFileSync(`${config}/${map}`, 'latin1');
    await runCommand(`${tree}/usr/libexec/sendmail/makemap`, ['hash', `${config}/${map}.db`], text);
  }
};

/** A line of sendmail.mc that asks a milter: for long, because who is not answered in time lets pass. */
export const askMilter = (socket: string): string =>
  `INPUT_MAIL_FILTER(\`postern', \`S=${socket}, T=C:1m;S:1m;R:1m;E:2m')dnl\n`;

/**
 * @param more lines for sendmail.mc: `INPUT_MAIL_FILTER(…)dnl`, …
 * @param edit rewrites the sendmail.cf that was built
 */
export const startSendmail = async (more = '', edit = (cf: string): string => cf): Promise<Sendmail> => {
  const tree = await unpack('sendmail');
  const program = `${tree}/usr/libexec/sendmail/sendmail`;
  const smmsp = userOf('smmsp');
  userOf('smmta');
  for (const mailbox of ['laba', 'labb', 'labfull']) userOf(mailbox);
  await makePasswords(smmsp.gid);
  await makeConfig(tree, more);
  writeFileSync('/etc/mail/sendmail.cf', edit(readFileSync('/etc/mail/sendmail.cf', 'latin1')), 'latin1');
  // Modes that its package gives: a local script's mail waits in the client queue, which belongs to group smmsp.
  rmSync('/usr/local/sbin/sendmail-mta', { force: true });
  symlinkSync(program, '/usr/local/sbin/sendmail-mta');
  chownSync(program, 0, smmsp.gid);
  chmodSync(program, 0o2755);
  freshDirectory('/var/spool/mqueue', 0o2750, { uid: 0, gid: smmsp.gid });
  freshDirectory('/var/spool/mqueue-client', 0o2770, smmsp);
  freshDirectory('/run/sendmail', 0o755, root);
  await runCommand(program, ['-bi']);
  // No queue runner: it would try, at a moment of its own, what a test has in its hands.
  const start = async (): Promise<Daemon> => {
    const daemon = startDaemon('sendmail', program, ['-L', 'sm-mta', '-bD']);
    await daemon.until(awaitPorts(hosts.sendmail, [25, 587]));
    return daemon;
  };
  let daemon = await start();
  return {
    address: hosts.sendmail,
    address6: hosts.sendmail6,
    ports: { smtp: 25, submission: 587 },
    program,
    crash: async () => {
      await daemon.crash();
      await awaitPorts(hosts.sendmail, [25, 587], false);
      daemon = await start();
    },
    ...stoppable(() => daemon.stop()),
  };
};
