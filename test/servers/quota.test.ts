/** Over quota with real servers: what the audit finds, and what a sender hears at RCPT. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { runCommand } from './lab/daemon.ts';
import { labClosed } from './lab/door.ts';
import { startWorld } from './lab/world.ts';

const postern = join(import.meta.dirname, '../../src/cli/main.ts');

const freshFolder = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-quota-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
};

type Audit = {
  readonly wrong: number;
  readonly mailboxes: readonly { readonly address: string; readonly condition: string; readonly usedBytes?: number }[];
  readonly unknown: readonly string[];
};

const auditIn = async (state: string, ...more: readonly string[]): Promise<{ status: unknown; found: Audit }> => {
  const args = [postern, 'quota', 'audit', '--json', '--state', state, ...more];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [out, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const found: Audit = JSON.parse(out);
  return { status, found };
};

const conditionsIn = ({ mailboxes }: Audit): Map<string, string> =>
  new Map(mailboxes.map(({ address, condition }) => [address, condition]));

const save = (user: string, bytes: number): Promise<string> =>
  runCommand('doveadm', ['save', '-u', user], `From: a@remote.test\n\n${'x'.repeat(bytes)}\n`);

test('audit: Dovecot, and what has filled since the last look', { skip: labClosed }, async (t) => {
  await using world = await startWorld('plugin {\n  quota_rule = *:storage=100k\n}');
  assert.ok(world);
  const state = freshFolder(t);
  const empty = await auditIn(state);
  assert.deepEqual([empty.status, empty.found.wrong, empty.found.unknown], [0, 0, []]);
  assert.equal(empty.found.mailboxes.length, 9);

  await save('full@lab.test', 900);
  await save('alice@lab.test', 95_000);
  for (let count = 0; count < 10; count++) await save('bob@lab.test', 4000);
  await save('carol@lab.test', 200);
  const { status, found } = await auditIn(state);
  assert.equal(status, 1);
  const conditions = conditionsIn(found);
  assert.deepEqual(
    ['full@lab.test', 'alice@lab.test', 'bob@lab.test', 'carol@lab.test', 'labfull'].map((one) => conditions.get(one)),
    ['full', 'filling', 'filling', 'fine', 'fine'],
  );
});

test('audit: Maildirs, an mbox, a command, and what may not be read', { skip: labClosed }, async (t) => {
  const folder = freshFolder(t);
  const maildir = (name: string, content?: string): string => {
    const path = join(folder, 'vmail/lab.test', name);
    mkdirSync(path, { recursive: true });
    if (content !== undefined) writeFileSync(join(path, 'maildirsize'), content);
    return path;
  };
  maildir('free', '1000S\n100 1\n');
  maildir('near', '1000S\n450 1\n450 1\n50 1\n');
  maildir('many', '1000S,2C\n1 1\n1 1\n');
  maildir('none');
  maildir('damaged', 'hello\n');
  symlinkSync('/etc/passwd', join(maildir('linked'), 'maildirsize'));
  mkdirSync(join(folder, 'mbox'));
  writeFileSync(join(folder, 'mbox/laba'), 'x'.repeat(2048));
  const command = join(folder, 'list');
  writeFileSync(command, '#!/bin/sh\necho "c@lab.test 5 10"\necho "what is this"\n');
  chmodSync(command, 0o755);
  const sources = [`maildir:${folder}/vmail/%d/%n`, `mbox:2K:${folder}/mbox/%n`, `command:${command}`];
  const { status, found } = await auditIn(join(folder, 'state'), '--source', sources.join(','));
  assert.equal(status, 1);
  assert.deepEqual(
    conditionsIn(found),
    new Map([
      ['many@lab.test', 'full'],
      ['laba', 'full'],
      ['near@lab.test', 'nearly-full'],
      ['none@lab.test', 'no-quota'],
      ['c@lab.test', 'fine'],
      ['free@lab.test', 'fine'],
    ]),
  );
  assert.deepEqual(
    found.unknown.map((why) => why.replace(folder, '')),
    [
      '/vmail/lab.test/damaged: it cannot be made out',
      '/vmail/lab.test/linked: ELOOP',
      '/list: line 2 of its output is no row',
    ],
  );
  const fine = await auditIn(join(folder, 'state'), '--source', `command:${command}`);
  assert.equal(fine.status, 5, 'nothing wrong, and a line that is not known');
});
