/**
 * `npm test [-- PATTERN…]`: brings what the tests need (npm packages, Node 24, for the server tests real mail servers),
 * then gives all test files to one run of node's own test runner: its closing lines speak for everything, house rules,
 * types and lint included. `--run FILE` runs one program in the lab instead. Plain JavaScript for Node 20, because nothing is installed yet.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureNode, ensurePackages, handOver, root, say } from '../bin/bootstrap.mjs';

const notAskedFor = 'not asked for';
const allTests = ['src/**/*.test.ts', 'test/**/*.test.ts'];
/** Many times what the slowest test needs. */
const testMsMax = 10 * 60_000;
/** Below what a build machine gives; who is asked to end says which test it was in. */
const runMinutesMax = 44;

/**
 * Real servers run in a machine of their own: its network, mounts, host name and processes end with the runner.
 * @param {string} labDir
 */
const machineOfItsOwn = (labDir) =>
  [
    'unshare --net --mount --uts --pid --fork --kill-child --mount-proc --propagation private --'.split(' '),
    ['sh', join(root, 'test/servers/lab/enter.sh'), labDir],
  ].flat();

/** `ready`, or why there are no real servers. @param {string} node @param {readonly string[]} patterns */
const prepareLab = (node, patterns) => {
  const needsLab = /^(?:test\/(?!house\/)|bench\/servers\/)/;
  if (!patterns.some((pattern) => needsLab.test(pattern))) return notAskedFor;
  const run = spawnSync(node, [join(root, 'test/servers/lab/prepare.ts')], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return run.status === 0
    ? run.stdout.trim()
    : 'failed: test/servers/lab/prepare.ts could not bring the real servers, see above';
};

const inTime = ['timeout', '--foreground', '--kill-after=1m', `${runMinutesMax}m`];

/** @param {string} node */
const testRunner = (node) => [
  node,
  '--test',
  '--test-concurrency=1',
  `--test-timeout=${testMsMax}`,
  `--import=${pathToFileURL(join(root, 'test/ending.ts')).href}`,
];

/** @param {string[]} patterns */
const runTests = async (patterns) => {
  ensurePackages({ withDev: true });
  const node = ensureNode();
  const lab = prepareLab(node, patterns);
  if (lab !== 'ready' && lab !== notAskedFor) say(`NO SERVER TESTS: ${lab}`);
  const labDir = mkdtempSync(join(tmpdir(), 'postern-lab-'));
  const runner =
    patterns[0] === '--run'
      ? [node, ...patterns.slice(1)]
      : [...(lab === 'ready' ? inTime : []), ...testRunner(node), ...patterns];
  const [command = node, ...args] = lab === 'ready' ? [...machineOfItsOwn(labDir), ...runner] : runner;
  const path = [dirname(node), join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  const env = { ...process.env, PATH: path, POSTERN_LAB: lab, POSTERN_LAB_DIR: labDir };
  try {
    // unshare is deaf to all but SIGKILL while its child lives, and takes that child with it.
    return await handOver(command, args, { cwd: root, env, ...(lab === 'ready' && { stopWith: 'SIGKILL' }) });
  } finally {
    rmdirSync(labDir);
  }
};

try {
  const patterns = process.argv.slice(2);
  process.exitCode = await runTests(patterns.length > 0 ? patterns : allTests);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
