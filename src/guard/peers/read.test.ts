import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../../model/fault.ts';
import { importFrom } from './read.ts';

test('a database that cannot be opened, or is none, is a fault that names it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-peers-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'fail2ban.sqlite3');
  const isNamed = (error: unknown): boolean =>
    error instanceof Fault && error.code === 'INPUT_UNREADABLE' && error.message.includes(file);
  mkdirSync(file);
  assert.throws(() => importFrom('fail2ban', folder, Date.now()), isNamed);
  rmSync(file, { recursive: true });
  writeFileSync(file, 'no database');
  assert.throws(() => importFrom('fail2ban', folder, Date.now()), isNamed);
});
