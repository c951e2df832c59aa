/**
 * What must be there before Postern or its tests can start: the npm packages and a Node that runs TypeScript.
 * Plain JavaScript for Node 20, because it runs before anything is installed; `bin/postern` and `test/run.mjs` share it.
 *
 * Every install is made aside and renamed into place, so that two starts at the same time cannot break each other and a
 * start that was killed half-way leaves nothing that looks finished.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const nodeMajorMin = 24;
const nodeVersion = '24.21.0';
const localNode = join(root, '.node/node_modules/node/bin/node');
/** What Node made of the TypeScript files: without it each start spends most of its time on that again. */
const compiled = join(root, '.node/compiled');
const abandonedAfterMs = 60 * 60 * 1000;

/** @param {string} text */
export const say = (text) => {
  process.stderr.write(`postern: ${text}\n`);
};

/** @param {unknown} error @returns {string} */
const codeOf = (error) => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** npm says first what went wrong, then how its command is used. @param {string} output */
const firstErrors = (output) =>
  output
    .split('\n')
    .filter((line) => /^npm error .|^Error/.test(line))
    .slice(0, 6)
    .join('\n');

/** Versions are pinned, so npm's cache is as good as the network; without either, its own patience is minutes of silence. */
const patience = [
  '--prefer-offline',
  '--fetch-retries=2',
  '--fetch-retry-mintimeout=1000',
  '--fetch-retry-maxtimeout=5000',
];

/** @param {string} cwd @param {string[]} args */
const npm = (cwd, args) => {
  const run = spawnSync('npm', [...args, ...patience], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (run.status === 0) return;
  const command = `npm ${args.join(' ')}`;
  if (codeOf(run.error) === 'ENOENT') {
    throw new Error(
      `npm was not found, and ${command} is needed once in ${root}. Install npm (it comes with Node) and start again.`,
    );
  }
  const output = `${run.error?.message ?? ''}${run.stdout}${run.stderr}`;
  const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT/.test(output);
  const wayOut = offline
    ? "The npm registry could not be reached: connect this machine to the network (or set npm's `registry` or `proxy`) and start again."
    : 'Mend what npm says and start again.';
  throw new Error(`${command} failed for ${root}. ${wayOut}\n${firstErrors(output)}`);
};

/** A directory of our own below the clone, so that a rename into place stays on one file system. */
const makeStaging = () => {
  const below = join(root, '.node');
  try {
    mkdirSync(below, { recursive: true });
    for (const name of readdirSync(below).filter((entry) => entry.startsWith('install-'))) {
      const left = join(below, name);
      if (Date.now() - statSync(left).mtimeMs > abandonedAfterMs) rmSync(left, { recursive: true, force: true });
    }
    return mkdtempSync(join(below, 'install-'));
  } catch (error) {
    throw new Error(`${below} cannot be written (${codeOf(error)}). Run this once as the owner of ${root}.`, {
      cause: error,
    });
  }
};

/** @param {string} fresh @param {string} place @param {string} outdated @param {() => boolean} isReady */
const moveInto = (fresh, place, outdated, isReady) => {
  try {
    renameSync(fresh, place);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) throw error;
    if (isReady()) return; // another start was faster
    renameSync(place, outdated);
    renameSync(fresh, place);
  }
};

/** @param {string} place what to replace @param {() => boolean} isReady @param {(staging: string) => string} build */
const install = (place, isReady, build) => {
  const staging = makeStaging();
  try {
    moveInto(build(staging), place, join(staging, 'outdated'), isReady);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
};

/** @typedef {{ version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean }} Locked */

/** @param {string} file @returns {Record<string, Locked>} */
const lockedPackages = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {});

/** Compares what npm wrote into node_modules with the lock file. @param {boolean} withDev @returns {number} */
const countMissing = (withDev) => {
  const installed = lockedPackages(join(root, 'node_modules/.package-lock.json'));
  return Object.entries(lockedPackages(join(root, 'package-lock.json'))).filter(
    ([path, { version, dev = false, optional = false, devOptional = false }]) =>
      path !== '' &&
      !optional && // of another platform, perhaps
      (withDev || !(dev || devOptional)) &&
      installed[path]?.version !== version,
  ).length;
};

/** @param {{ withDev: boolean }} options */
export const ensurePackages = ({ withDev }) => {
  const missing = countMissing(withDev);
  if (missing === 0) return;
  say(`installing ${missing} npm package${missing === 1 ? '' : 's'} into ${join(root, 'node_modules')} (once)`);
  const isReady = () => countMissing(withDev) === 0;
  install(join(root, 'node_modules'), isReady, (staging) => {
    for (const name of ['package.json', 'package-lock.json', '.npmrc'])
      copyFileSync(join(root, name), join(staging, name));
    npm(staging, ['ci', '--ignore-scripts', withDev ? '--include=dev' : '--omit=dev']);
    return join(staging, 'node_modules');
  });
};

/** The path of a Node that runs TypeScript by itself; installs one below the clone when there is none. */
export const ensureNode = () => {
  if (Number.parseInt(process.versions.node, 10) >= nodeMajorMin) return process.execPath;
  const isReady = () => existsSync(localNode);
  if (isReady()) return localNode;
  say(`this is Node ${process.versions.node}; installing Node ${nodeVersion} into ${join(root, '.node')} (once)`);
  install(join(root, '.node/node_modules'), isReady, (staging) => {
    npm(staging, ['install', '--prefix', '.', '--no-save', '--no-package-lock', `node@${nodeVersion}`]);
    if (!existsSync(join(staging, 'node_modules/node/bin/node'))) {
      throw new Error(
        `npm installed node@${nodeVersion} without a program (its install script did not run, or has none for ` +
          `${process.platform} ${process.arch}). Install Node ${nodeMajorMin} or later yourself and put it first in PATH.`,
      );
    }
    return join(staging, 'node_modules');
  });
  return localNode;
};

const forwarded = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']);

/** Ctrl-C reaches every process of the terminal by itself; forwarding it too would make it count twice. @param {string} signal */
const isFromTerminal = (signal) => process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT');

/**
 * Runs a program in our place: its input and output are ours, signals go through. Resolves with its exit status.
 * @param {string} command @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, stopWith?: NodeJS.Signals }} [options] stopWith: what it gets instead of any signal
 * @returns {Promise<number>}
 */
export const handOver = (command, args, { stopWith, ...options } = {}) =>
  new Promise((resolve, reject) => {
    const env = { NODE_COMPILE_CACHE: compiled, ...(options.env ?? process.env) };
    const program = spawn(command, args, { ...options, env, stdio: 'inherit' });
    for (const signal of forwarded) {
      process.on(signal, () => {
        if (!isFromTerminal(signal)) program.kill(stopWith ?? signal);
      });
    }
    program.on('error', (error) => {
      reject(
        new Error(`${command} could not be started (${error.message}). Remove ${join(root, '.node')} and start again.`),
      );
    });
    program.on('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
