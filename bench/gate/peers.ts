/**
 * Other SMTP servers for Node, installed from npm into a temporary folder: Haraka, which forwards each message as the gate
 * does, and smtp-server, which takes mail and forwards nothing. Three of their dependencies are pinned one version back,
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

const writeHaraka = (folder: string, port: number, sinkPort: number): string => {
  const home = join(folder, 'haraka');
  const config = join(home, 'config');
  mkdirSync(home);
  cpSync(join(folder, 'node_modules/Haraka/config'), config, { recursive: true });
  const files = {
    'smtp.ini': `listen=127.0.0.1:${port}\nnodes=0\n`,
    plugins: 'rcpt_to.in_host_list\nqueue/smtp_forward\n',
    host_list: 'lab.test\n',
    'smtp_forward.ini': `host=127.0.0.1\nport=${sinkPort}\n`,
    me: 'gate.test\n',
    'log.ini': 'level=error\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(config, name), text);
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

/** @returns none where they cannot be installed */
export const installPeers = (folder: string, port: number, sinkPort: number): readonly Peer[] => {
  try {
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'ignore' });
  } catch {
    return [];
  }
  const run = (args: readonly string[]): ChildProcess => spawn(process.execPath, args, { stdio: 'ignore' });
  const home = writeHaraka(folder, port, sinkPort);
  const script = writeSmtpServer(folder, port);
  const { Haraka, 'smtp-server': smtpServer } = manifest.dependencies;
  return [
    {
      name: `Haraka ${Haraka}, to smtp-sink`,
      start: () => run([join(folder, 'node_modules/Haraka/bin/haraka'), '-c', home]),
    },
    { name: `smtp-server ${smtpServer}, forwards nothing`, start: () => run([script]) },
  ];
};
