/**
 * Other SMTP servers for Node, installed from npm into a temporary folder: Haraka, which forwards each message as the gate
 * does or holds its clients, and smtp-server, which takes mail and forwards nothing. Three of their dependencies are pinned one version back,
 * where the newest is not on every mirror.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const manifest = {
  private: true,
  overrides: { 'encoding-japanese': '2.4.0', libqp: '2.1.1', libbase64: '1.3.0' },
  dependencies: { Haraka: '3.3.4', 'smtp-server': '3.21.6' },
};

export type Peer = { readonly name: string; readonly start: () => ChildProcess };

/** @param files of its configuration; `plugins` holds our own by their names */
const writeHaraka = (
  folder: string,
  name: string,
  port: number,
  files: Readonly<Record<string, string>>,
  plugins: Readonly<Record<string, string>> = {},
): string => {
  const home = join(folder, name);
  const config = join(home, 'config');
  mkdirSync(join(home, 'plugins'), { recursive: true });
  cpSync(join(folder, 'node_modules/Haraka/config'), config, { recursive: true });
  const all = {
    'smtp.ini': `listen=127.0.0.1:${port}\nnodes=0\n`,
    host_list: 'lab.test\n',
    me: 'gate.test\n',
    'log.ini': 'level=error\n',
    ...files,
  };
  for (const [file, text] of Object.entries(all)) writeFileSync(join(config, file), text);
  for (const [plugin, text] of Object.entries(plugins)) writeFileSync(join(home, `plugins/${plugin}.js`), text);
  return home;
};

const writeSmtpServer = (folder: string, port: number): string => {
  const file = join(folder, 'smtp-server.cjs');
  writeFileSync(
    file,
    `const { SMTPServer } = require('smtp-server');
new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'], disableReverseLookup: true, logger: false,
  onData: (stream, session, done) => { stream.on('data', () => {}); stream.on('end', done); } }).listen(${port}, '127.0.0.1');`,
  );
  return file;
};

const install = (folder: string): boolean => {
  try {
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const run = (args: readonly string[]): ChildProcess => spawn(process.execPath, args, { stdio: 'ignore' });
const runHaraka = (folder: string, home: string, flags: readonly string[] = []): ChildProcess =>
  run([...flags, join(folder, 'node_modules/Haraka/bin/haraka'), '-c', home]);
const { Haraka, 'smtp-server': smtpServer } = manifest.dependencies;

/** @returns none where they cannot be installed */
export const installPeers = (folder: string, port: number, sinkPort: number): readonly Peer[] => {
  if (!install(folder)) return [];
  const home = writeHaraka(folder, 'haraka', port, {
    plugins: 'rcpt_to.in_host_list\nqueue/smtp_forward\n',
    'smtp_forward.ini': `host=127.0.0.1\nport=${sinkPort}\n`,
  });
  const script = writeSmtpServer(folder, port);
  return [
    { name: `Haraka ${Haraka}, to smtp-sink`, start: () => runHaraka(folder, home) },
    { name: `smtp-server ${smtpServer}, forwards nothing`, start: () => run([script]) },
  ];
};

/** Marks clients of the loopback as strangers, whom its own plugins pause before the greeting and tarpit at RCPT. */
const strangers = `exports.hook_connect_init = (next, connection) => {
  Object.assign(connection.remote, { is_local: false, is_private: false });
  next();
};
exports.hook_lookup_rdns = (next) => next(OK, 'client.test');
exports.hook_rcpt = (next, connection) => {
  connection.transaction.notes.tarpit = 3600;
  next();
};
`;

/** Haraka with its own two ways to hold. @returns undefined where it cannot be installed */
export const installHoldingHaraka = (
  folder: string,
  port: number,
  flags: readonly string[],
): { readonly name: string; readonly start: (greetPauseSeconds: number) => ChildProcess } | undefined => {
  if (!install(folder)) return undefined;
  let homes = 0;
  return {
    name: `Haraka ${Haraka}`,
    start: (greetPauseSeconds) => {
      const files = {
        plugins: `strangers\n${greetPauseSeconds > 0 ? 'early_talker\n' : ''}tarpit\nrcpt_to.in_host_list\n`,
        'early_talker.ini': `pause=${greetPauseSeconds}\n`,
        // Its default ends whatever a plugin makes wait for half a minute.
        plugin_timeout: '0\n',
      };
      return runHaraka(folder, writeHaraka(folder, `haraka-${homes++}`, port, files, { strangers }), flags);
    },
  };
};
