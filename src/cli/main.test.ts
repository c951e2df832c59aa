/** The command line as a postmaster meets it: spawned, with its exit status and its words. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { writeSnapshot } from '../guard/snapshot.ts';
import { commands } from './commands.ts';
import { helpFor } from './help.ts';

const directory = mkdtempSync(join(tmpdir(), 'postern-cli-'));
after(() => rmSync(directory, { recursive: true }));
const log = join(directory, 'mail.log');
const escape = '\u001b[31m';
const lines = [
  ...Array.from(
    { length: 8 },
    (_, at) =>
      `2026-11-21T00:00:0${at}Z mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from x.test[203.0.113.7]: 550 5.1.1 <n${at}${escape}@lab.test>: Recipient address rejected: User unknown; from=<s@a.test> to=<n${at}${escape}@lab.test> proto=ESMTP helo=<x>`,
  ),
  'no log line at all',
];
writeFileSync(log, lines.join('\n'));

const run = (
  args: readonly string[],
  environment: Record<string, string> = {},
): { status: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['src/cli/main.ts', ...args], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC', ...environment },
  });
  return { status, out: stdout, err: stderr };
};

test('every command has help with an example, in 80 columns', () => {
  for (const command of commands) {
    const text = helpFor(command);
    assert.ok(command.examples[0] !== undefined && text.includes(command.examples[0]), command.name);
    for (const line of text.split('\n'))
      assert.ok(line.length <= 80 || command.examples.includes(line.trim()), `${command.name}: ${line}`);
  }
  for (const args of [
    ['block', '--help'],
    ['help', 'block'],
  ]) {
    const { status, out } = run(args);
    assert.equal(status, 0);
    assert.match(out, /Usage: postern block/);
  }
  assert.equal(run(['help', 'blok']).status, 2);
});

test('the list of commands has each once, in 80 columns', () => {
  const help = run(['--help']).out.split('\n');
  assert.deepEqual(
    help.flatMap((line) => /^ {2}([a-z]+) {2}/.exec(line)?.[1] ?? []),
    commands.map(({ name }) => name),
  );
  for (const line of help) assert.ok(line.length <= 80, line);
});

test('what is wrong says so, with the way out and an exit status', () => {
  const rows = [
    [['analyse'], 2, /did you mean analyze/],
    [['analyze'], 2, /FILE…\|-: something is missing/],
    [['explain', '203.0.113.0/24', log], 2, /with each of its addresses/],
    [['analyze', '--jsn', log], 2, /did you mean --json/],
    [['analyze', '--since', 'soon', log], 2, /--since soon/],
    [['analyze', join(directory, 'missing')], 3, /no such file/],
    [['analyze', directory], 3, /directory/],
    [['config', 'check', join(directory, 'missing')], 2, /cannot read/],
    [['evidence', join(directory, 'missing'), '--to', join(directory, 'to')], 3, /there is no .*missing/],
    [['evidence', log, '--to', '/dev/null/below'], 3, /^postern: ENOTDIR[^\n]*\n$/],
    [['completion', 'tcsh'], 2, /bash, zsh, fish/],
  ] as const;
  for (const [args, status, words] of rows) {
    const result = run(args);
    assert.equal(result.status, status, args.join(' '));
    assert.match(result.err, words);
  }
});

test('analyze: a report for people, a document for programs', () => {
  const text = run(['analyze', log]);
  assert.equal(text.status, 0);
  assert.match(text.out, /dictionary/);
  assert.ok(!text.out.includes('\u001b'), 'a log line does not drive the terminal');
  assert.match(text.out, /\\x1b/);
  const { version, input, incidents, offenders } = JSON.parse(run(['analyze', '--json', log]).out);
  assert.deepEqual([version, input.lines, input.unmatched, incidents.length], [1, 9, 1, 1]);
  assert.equal(incidents[0].closed, null);
  assert.match(incidents[0].opened, /^2026-11-21T00:00:00\.000\+00:00$/);
  assert.equal(offenders[0].client, '203.0.113.7');
  assert.equal(run(['analyze', '--fail-on-attack', log]).status, 1);
});

test('parse, explain, config and completion print what they promise', () => {
  const events = run(['parse', log])
    .out.trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(events.length, 8);
  assert.deepEqual([events[0].kind, events[0].outcome, events[0].client], ['recipient', 'unknown', '203.0.113.7']);
  assert.equal(run(['parse', '--unmatched', log]).out, 'no log line at all\n');
  assert.match(run(['explain', '203.0.113.7', log]).out, /hostile/);
  assert.equal(JSON.parse(run(['explain', '--json', '203.0.113.7', log]).out).standing, 'hostile');
  assert.match(run(['config', 'show']).out, /policy\.listen/);
  for (const shell of ['bash', 'zsh', 'fish']) assert.match(run(['completion', shell]).out, /analyze/);
  assert.match(run(['--version']).out, /^postern \d/);
});

test('where nothing was judged, no attack is no news', () => {
  const nothing = join(directory, 'nothing');
  writeFileSync(nothing, 'no log line at all\n');
  for (const args of [[nothing], ['--since', '2026-11-22', log]]) {
    const { status, out } = run(['analyze', ...args]);
    assert.equal(status, 0);
    assert.match(out, /Nothing was judged: /);
    assert.doesNotMatch(out, /No attack/);
  }
});

test('where no guard has been, nobody says that all is quiet; where none runs now, that is said', () => {
  const state = join(directory, 'state');
  for (const args of [['incidents'], ['actions'], ['undo', '--all'], ['pause'], ['standing', '203.0.113.7']]) {
    const { status, out, err } = run([...args, '--state', state]);
    assert.deepEqual([status, out], [6, ''], args[0]);
    assert.ok(err.startsWith(`postern: no guard has run on ${state}: `), err);
  }
  const asked = run(['status', '--state', state]);
  assert.equal(asked.status, 6);
  assert.match(asked.out, /^guard +does not run on .*state/);
  assert.equal(existsSync(state), false, 'whoever asks makes nothing');
  assert.match(run(['lock', 'anna', '--state', state]).err, /no guard runs on .*: nobody heeds this until one does/);
  const { status, out, err } = run(['incidents', '--state', state]);
  assert.deepEqual([status, out], [0, 'no attack is going on (--all: earlier ones)\n']);
  assert.match(err, /no guard runs on .*: this is what the last one knew/);
});

test('status says what holds the answers back', async () => {
  const state = join(directory, 'learning');
  mkdirSync(state);
  const told = (...args: readonly string[]): string => run(['status', '--state', state, ...args]).out;
  assert.doesNotMatch(told(), /^answers/m);
  const started = Math.floor(Date.now() / 1000);
  const snapshot = { version: 2, seed: 1, started, positions: {} } as const;
  await writeSnapshot(join(state, 'guard.snapshot'), snapshot, new SharedArrayBuffer(64));
  assert.match(told(), /^answers +none harder than a delay or 4xx, it learns until \d{4}-/m);
  const config = join(directory, 'observe.yaml');
  writeFileSync(config, 'judge: { mode: observe }\n');
  assert.match(told('--config', config), /^answers +none: it only watches/m);
});

test('the state is the same from wherever a command is called', () => {
  const { stdout } = spawnSync(process.execPath, [resolve('src/cli/main.ts'), 'config', 'show', '--json'], {
    encoding: 'utf8',
    cwd: directory,
  });
  assert.equal(JSON.parse(stdout).state, resolve('var'));
});

test('a name beyond ASCII is found as it is typed', () => {
  const names = join(directory, 'names');
  writeFileSync(
    names,
    '2026-11-21T00:00:01Z mx postfix/smtpd[1]: warning: unknown[203.0.113.9]: SASL LOGIN authentication failed: x, sasl_username=müller\n',
  );
  assert.match(run(['explain', 'müller', names]).out, /account, unknown: 1 event,/);
});

test('a pipe that closes early is no error and no complaint; a full disk is both', () => {
  const shell = (script: string): { status: number | null; err: string } => {
    const { status, stderr } = spawnSync('bash', ['-c', `set -o pipefail; ${script}`, process.execPath, log], {
      encoding: 'utf8',
    });
    return { status, err: stderr };
  };
  for (const command of ['parse $1', 'analyze $1', 'config show', '--help'])
    assert.deepEqual(shell(`$0 src/cli/main.ts ${command} | true`), { status: 0, err: '' }, command);
  for (const command of ['parse $1', 'analyze --json $1', 'config show', 'completion bash']) {
    const { status, err } = shell(`$0 src/cli/main.ts ${command} > /dev/full`);
    assert.equal(status, 5, command);
    assert.match(err, /^postern: the result could not be written: ENOSPC[^\n]*\n$/);
  }
});

test('colour only where it is wanted', () => {
  assert.ok(run(['analyze', log], { FORCE_COLOR: '1' }).out.includes('\u001b['));
  assert.ok(!run(['analyze', log], { FORCE_COLOR: '1', NO_COLOR: '1' }).out.includes('\u001b['));
});
