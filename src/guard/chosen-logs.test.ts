import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chosenLogs } from './chosen-logs.ts';

test('a log with several names is followed once', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'postern-logs-'));
  t.after(() => rmSync(root, { recursive: true }));
  const folder = join(root, 'var/log');
  mkdirSync(folder, { recursive: true });
  const log = join(folder, 'mail.log');
  writeFileSync(log, '');
  symlinkSync('mail.log', join(folder, 'maillog'));
  linkSync(log, join(root, 'hard'));
  const other = join(root, 'comes-later');
  const chosen = async (...logs: string[]) => (await chosenLogs(new Map([['logs', logs]]), root)).logs;
  assert.deepEqual(await chosen('found'), [log]);
  assert.deepEqual(await chosen(join(root, 'hard'), other, 'found', other, 'journal'), [
    join(root, 'hard'),
    other,
    'journal',
  ]);
});

test('what is gone, or leads nowhere, beside a log keeps nobody from finding it', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'postern-logs-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'var/log'), { recursive: true });
  const log = join(root, 'var/log/mail.log');
  writeFileSync(log, '');
  symlinkSync('nowhere', `${log}.1`);
  assert.deepEqual((await chosenLogs(new Map([['logs', ['found']]]), root)).logs, [log]);
});
