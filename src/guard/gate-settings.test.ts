import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const isRoot = process.getuid?.() === 0;

test('a user who has no name, as in a container, has the gate all the same', { skip: !isRoot }, (t) => {
  const state = mkdtempSync(join(tmpdir(), 'postern-nobody-'));
  t.after(() => rmSync(state, { recursive: true }));
  chmodSync(state, 0o777);
  const modules = ['gate-settings', 'settings'].map((name) => join(import.meta.dirname, `${name}.ts`));
  const program = `const [{ gateChoice }, { defaults }] = await Promise.all(${JSON.stringify(modules)}.map((path) => import(path)));
    process.stdout.write([...gateChoice(defaults, ${JSON.stringify(state)}).gate.backend.mailboxes].join());`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    uid: 2 ** 31 - 5,
    gid: 2 ** 31 - 5,
    encoding: 'utf8',
  });
  assert.deepEqual([stdout, stderr], ['postmaster', '']);
});
