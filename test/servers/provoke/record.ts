/** `npm run fixtures`: provokes every server and writes what it logged to test/fixtures, with a head that says so. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../lab/daemon.ts';
import { unpack } from '../lab/machine.ts';
import { provocationsOf } from './all.ts';
import { chainProvocations, dovecotProvocations, secondPasswords } from './dovecot.ts';
import { curiousExim, curiousEximProvocations, eximProvocations, strictExim } from './exim.ts';
import type { MailServerName } from './provocation.ts';
import { playDovecot, playMailServer } from './stage.ts';
import type { Log } from './stage.ts';
import { strictPostfix, strictPostfixProvocations } from './strict-postfix.ts';

const fixtures = join(import.meta.dirname, '../../fixtures');
const everyItem = '+all -tls_certificate_verified -tls_peerdn';

const versionIn = (text: string): string => /\d+\.\d+[\d.]*/.exec(text)?.[0] ?? 'unknown';

const versions: Record<MailServerName | 'dovecot', () => Promise<string>> = {
  postfix: () => runCommand('postconf', ['-h', 'mail_version']),
  exim: async () => runCommand(`${await unpack('exim4')}/usr/sbin/exim4`, ['-bV']),
  sendmail: async () => runCommand(`${await unpack('sendmail')}/usr/libexec/sendmail/sendmail`, ['-d0.1', '-bp']),
  dovecot: () => runCommand('dovecot', ['--version']),
};

const record = async (
  server: MailServerName | 'dovecot',
  remark: string,
  logs: readonly Log[],
  suffix = '',
): Promise<void> => {
  const version = versionIn(await versions[server]());
  const head = `# ${server} ${version}${remark}, ${new Date().toISOString().slice(0, 10)}: npm run fixtures\n`;
  mkdirSync(join(fixtures, server), { recursive: true });
  for (const { name, lines } of logs) {
    const file = join(fixtures, server, `provoked-${name}${suffix}.log`);
    writeFileSync(file, `${head}${lines.join('\n')}\n`, 'latin1');
    process.stderr.write(`${file}: ${lines.length} lines\n`);
  }
};

for (const server of ['postfix', 'exim', 'sendmail'] as const) {
  await record(server, '', await playMailServer(server, provocationsOf[server]));
}
await record(
  'exim',
  ` with log_selector = ${everyItem}`,
  await playMailServer('exim', provocationsOf.exim, { exim: { logSelector: everyItem } }),
  '-verbose',
);
await record(
  'exim',
  ' with an ACL at every stage',
  await playMailServer('exim', eximProvocations, { exim: { edit: strictExim } }),
  '-strict',
);
await record(
  'postfix',
  ' with checks at every stage',
  await playMailServer('postfix', strictPostfixProvocations, { postfix: strictPostfix }),
  '-strict',
);
await record('dovecot', '', await playDovecot(dovecotProvocations));
await record('dovecot', '', await playDovecot(dovecotProvocations, 'own file'));
await record(
  'exim',
  ` that asks for a true HELO and answers VRFY, with log_selector = ${everyItem}`,
  await playMailServer('exim', curiousEximProvocations, { exim: { edit: curiousExim, logSelector: everyItem } }),
  '-curious',
);
await record(
  'dovecot',
  ' with two databases',
  await playDovecot(chainProvocations, 'syslog', secondPasswords),
  '-chain',
);
