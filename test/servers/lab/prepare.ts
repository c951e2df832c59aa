/**
 * Brings the real mail servers for the tests, as Debian packages, and starts none of them. Prints `ready`, or in words why
 * there can be no lab here; progress goes to stderr. `test/run.mjs` runs it before the tests, outside the lab's machine.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const debDir = join(here, '../../../.lab');
/** Debian's switch that keeps maintainer scripts from starting services. */
const policyFile = '/usr/sbin/policy-rc.d';
const lockTimeoutSeconds = 300;
/** A mirror that fails once is asked again. */
const downloadRetries = 5;

type Treatment = 'install' | 'unpack';

const packagesTo = (treatment: Treatment): string[] =>
  readFileSync(join(here, 'packages.txt'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${treatment} `))
    .map((line) => line.slice(treatment.length + 1).trim());

const isInstalled = (name: string): boolean => {
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { encoding: 'utf8' });
  return stdout === 'installed';
};

const debOf = (name: string): string | undefined => globSync(join(debDir, `${name}_*.deb`))[0];

/** Libraries that an unpacked package names in its Depends: `libc6 (>= 2.36), libdb5.3, exim4-base | …`. */
const librariesOf = (deb: string): string[] =>
  execFileSync('dpkg-deb', ['-f', deb, 'Depends'], { encoding: 'utf8' })
    .split(',')
    .map((term) => term.trim().split(/[ |(]/, 1)[0] ?? '')
    .filter((name) => name.startsWith('lib'));

const apt = (args: readonly string[], cwd = '/'): void => {
  const settings = [
    `DPkg::Lock::Timeout=${lockTimeoutSeconds}`,
    `Acquire::Retries=${downloadRetries}`,
    'APT::Sandbox::User=root',
  ];
  const options = ['-qq', ...settings.flatMap((setting) => ['-o', setting])];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const run = spawnSync('apt-get', [...options, ...args], { cwd, env, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`apt-get ${args.join(' ')} failed:\n${run.stderr.trim()}`);
};

const installQuietly = (names: readonly string[]): void => {
  const isOurs = !existsSync(policyFile);
  if (isOurs) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const question = 'postfix postfix/main_mailer_type select No configuration\n';
    spawnSync('debconf-set-selections', { input: question });
    apt(['install', '-y', '--no-install-recommends', ...names]);
  } finally {
    if (isOurs) rmSync(policyFile);
  }
};

/** Aside first: another run may look for packages at the same time. */
const download = (names: readonly string[]): void => {
  mkdirSync(debDir, { recursive: true });
  const aside = mkdtempSync(join(debDir, 'download-'));
  apt(['download', ...names], aside);
  for (const file of readdirSync(aside)) renameSync(join(aside, file), join(debDir, file));
  rmdirSync(aside);
};

const bringPackages = (): void => {
  const missingDebs = packagesTo('unpack').filter((name) => debOf(name) === undefined);
  const librariesNeeded = (): string[] => globSync(join(debDir, '*.deb')).flatMap(librariesOf);
  const missing = (): string[] => [...packagesTo('install'), ...librariesNeeded()].filter((name) => !isInstalled(name));
  if (missingDebs.length === 0 && missing().length === 0) return;
  process.stderr.write('postern: installing the Debian packages of test/servers/lab/packages.txt (once)\n');
  apt(['update']);
  if (missingDebs.length > 0) download(missingDebs);
  installQuietly([...new Set(missing())]);
};

/** What no installing can change. */
const obstacle = (): string | undefined => {
  if (process.getuid?.() !== 0)
    return 'real servers need root, to install Debian packages and to make a network namespace';
  const system = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  if (!/^ID=debian$/m.test(system)) return 'real servers come from Debian packages, and this system is not Debian';
  const trial = spawnSync('unshare', ['--net', '--mount', '--uts', '--pid', '--fork', '--mount-proc', 'true'], {
    encoding: 'utf8',
  });
  if (trial.status !== 0)
    return `this system refuses a namespace of our own (${trial.stderr.trim()}): CAP_SYS_ADMIN is needed`;
  return undefined;
};

const why = obstacle();
if (why === undefined) bringPackages();
process.stdout.write(`${why ?? 'ready'}\n`);
