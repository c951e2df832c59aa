/** Every line that a writer appends arrives exactly once, through whatever rotates the log, and across a restart. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { followLog } from './follow.ts';
import type { Following } from './follow.ts';
import type { Position } from './identity.ts';

const scene = () => {
  const directory = mkdtempSync(join(tmpdir(), 'postern-follow-'));
  const path = join(directory, 'mail.log');
  let got = '';
  let position: Position | undefined;
  const problems: string[] = [];
  let written = 0;
  let arrived = (): void => {};
  return {
    path,
    problems,
    /** Resolves when all that was written has been given, without asking for it. */
    allGiven: async (): Promise<void> => {
      while (!got.endsWith(`line ${written - 1}\n`)) await new Promise<void>((resolve) => (arrived = resolve));
    },
    write: (lines: number): void => {
      for (let i = 0; i < lines; i++) appendFileSync(path, `line ${written++}\n`);
    },
    /** More than a megabyte at once. */
    fill: (): void => appendFileSync(path, Array.from({ length: 120_000 }, () => `line ${written++}\n`).join('')),
    next: () => written++,
    /** Begins where the last one stopped, from what was saved. */
    follow: (): Following =>
      followLog({
        path,
        position: position === undefined ? undefined : JSON.parse(JSON.stringify(position)),
        onText: (text, behind) => {
          got += text;
          position = behind;
          arrived();
        },
        onProblem: (problem) => problems.push(problem),
      }),
    check: (): void => {
      assert.ok(written > 0);
      assert.equal(got, Array.from({ length: written }, (_, at) => `line ${at}\n`).join(''));
      rmSync(directory, { recursive: true });
    },
  };
};

test('a log that comes later, is renamed, copied and truncated, and its half-written lines', async () => {
  const { path, problems, write, next, follow, check } = scene();
  const following = follow();
  await following.caughtUp();
  write(100);
  await following.caughtUp();
  renameSync(path, `${path}.1`);
  appendFileSync(`${path}.1`, `line ${next()}\n`); // the server still has the old file open
  write(50);
  await following.caughtUp();
  appendFileSync(path, 'line');
  await following.caughtUp();
  appendFileSync(path, ` ${next()}\n`);
  await following.caughtUp();
  copyFileSync(path, `${path}.2`);
  truncateSync(path);
  write(200);
  await following.caughtUp();
  await following.stop();
  check();
  assert.deepEqual(problems, []);
});

test('what is written arrives without being asked for, in a rush and line by line', async () => {
  const { path, write, follow, check, allGiven } = scene();
  write(1);
  const following = follow();
  await allGiven();
  for (let turn = 0; turn < 20; turn++) {
    // A file beside it wakes nobody for long.
    if (turn % 7 === 0) appendFileSync(join(dirname(path), 'other.log'), 'x\n');
    if (turn % 20 === 0) renameSync(path, `${path}.1`);
    write(turn % 10 === 0 ? 100 : 1);
    await allGiven();
    // As often as not the follower has begun to watch again when the next line comes.
    if (turn % 3 === 0) await following.caughtUp();
  }
  await following.stop();
  check();
});

test('a long log that grows is followed through rotation and truncation as well', async () => {
  const { path, write, fill, next, follow, check, allGiven } = scene();
  write(1);
  const following = follow();
  await allGiven();
  for (let turn = 0; turn < 4; turn++) {
    fill();
    if (turn % 2 === 0) await allGiven();
    renameSync(path, `${path}.${turn}`);
    appendFileSync(`${path}.${turn}`, `line ${next()}\n`);
    write(3);
    await (turn < 2 ? following.caughtUp() : allGiven());
    fill();
    await allGiven();
    truncateSync(path);
    write(5);
    await allGiven();
  }
  await following.stop();
  check();
});

test('a restart goes on where it stopped, also when the log was rotated in between', async () => {
  const { path, problems, write, follow, check } = scene();
  write(10);
  for (let restart = 0; restart < 3; restart++) {
    const following = follow();
    await following.caughtUp();
    await following.stop();
    write(5);
    if (restart === 1) renameSync(path, `${path}.1`);
    write(7);
  }
  const last = follow();
  await last.caughtUp();
  await last.stop();
  check();
  assert.deepEqual(problems, []);
});

test('a rotation that took the old file away is told', async () => {
  const { path, problems, write, follow } = scene();
  write(10);
  const first = follow();
  await first.caughtUp();
  await first.stop();
  rmSync(path);
  write(3);
  const second = follow();
  await second.caughtUp();
  await second.stop();
  assert.equal(problems.length, 1);
});

test('what was rotated between the old file and the new one is told', async () => {
  const { path, problems, write, follow, check } = scene();
  write(10);
  const first = follow();
  await first.caughtUp();
  await first.stop();
  write(5);
  renameSync(path, `${path}.2`);
  for (const name of [`${path}.1`, `${path}.3.gz`, `${path}-errors`]) appendFileSync(name, 'not read\n');
  // As if a day lay between them.
  const day = Date.now() / 1000 - 86_400;
  for (const [name, days] of [
    ['.3.gz', 2],
    ['.2', 1],
    ['.1', 0],
    ['-errors', 0],
  ] as const)
    utimesSync(`${path}${name}`, day, day - days * 86_400);
  write(7);
  const second = follow();
  await second.caughtUp();
  await second.stop();
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /rotated more than once .* files between \(1\)/);
  check();
});

test('a pipe, or a folder, where the log was is said once, and the log is followed when it is back', async () => {
  const { path, problems, write, follow, check } = scene();
  const following = follow();
  write(10);
  await following.caughtUp();
  for (const make of [() => execFileSync('/usr/bin/mkfifo', [path]), () => mkdirSync(path)]) {
    renameSync(path, `${path}.1`);
    make();
    for (let look = 0; look < 3; look++) await following.caughtUp();
    assert.deepEqual(problems.splice(0), [`${path}: it is no file`]);
    rmSync(path, { recursive: true });
    write(10);
    await following.caughtUp();
  }
  await following.stop();
  assert.deepEqual(problems, []);
  check();
});

test('behind a link the log is watched, and found again, in its own folder', async (t) => {
  const { path, problems, write, follow, check, allGiven } = scene();
  const real = join(dirname(path), 'panel/own.log');
  mkdirSync(dirname(real));
  symlinkSync(real, path);
  write(10);
  // What the watcher does not see the poll would, later.
  t.mock.timers.enable({ apis: ['setInterval'] });
  const first = follow();
  for (let turn = 0; turn < 5; turn++) {
    await allGiven();
    await first.caughtUp();
    write(1);
  }
  await allGiven();
  await first.stop();
  write(5);
  renameSync(real, `${real}.1`);
  write(7);
  const second = follow();
  await second.caughtUp();
  await second.stop();
  check();
  assert.deepEqual(problems, []);
});
