/** Every line that a writer appends arrives exactly once, through whatever rotates the log, and across a restart. */
import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, mkdtempSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { followLog } from './follow.ts';
import type { Following, Position } from './follow.ts';

const scene = () => {
  const directory = mkdtempSync(join(tmpdir(), 'postern-follow-'));
  const path = join(directory, 'mail.log');
  let got = '';
  let position: Position | undefined;
  const problems: string[] = [];
  let written = 0;
  return {
    path,
    problems,
    write: (lines: number): void => {
      for (let i = 0; i < lines; i++) appendFileSync(path, `line ${written++}\n`);
    },
    next: () => written++,
    /** Begins where the last one stopped, from what was saved. */
    follow: (): Following =>
      followLog({
        path,
        position: position === undefined ? undefined : JSON.parse(JSON.stringify(position)),
        onText: (text, behind) => {
          got += text;
          position = behind;
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
