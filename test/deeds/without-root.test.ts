/** A guard's user asks the helper: a block is done and undone over the socket, and nobody else may open it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand, runCommandAs } from '../servers/lab/daemon.ts';
import { labClosed } from '../servers/lab/door.ts';
import { userOf } from '../servers/lab/machine.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

test('without root: block and undo through the helper, another user is kept out', { skip: labClosed }, async () => {
  const guard = userOf('vmail');
  const folder = mkdtempSync(join(tmpdir(), 'postern-helper-'));
  chmodSync(folder, 0o755);
  chownSync(folder, guard.uid, guard.gid);
  const config = join(folder, 'postern.yaml');
  writeFileSync(config, `state: ${folder}/var\nhelper:\n  socket: ${folder}/helper.sock\nprotect: [203.0.113.9]\n`);
  const helper = spawn(process.execPath, [main, 'helper', '--user', 'vmail', '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    assert.match(String((await once(helper.stdout, 'data'))[0]), /for vmail alone/);
    const postern = (uid: number, ...args: string[]): Promise<string> =>
      runCommandAs(uid, process.execPath, [main, ...args, '--config', config]);
    const done = await postern(guard.uid, 'block', '203.0.113.7');
    assert.match(done, /done: .* 203\.0\.113\.7, until \d{4}(?:-\d\d){2} \d\d(?::\d\d){2} \(/);
    assert.match(await runCommand('nft', ['list', 'set', 'inet', 'postern', 'block32']), /203\.0\.113\.7/);
    await assert.rejects(postern(guard.uid, 'block', '203.0.113.9'), /ended with 4: .*protected by the configuration/);
    const { uid, gid } = userOf('laba');
    const theirs = join(folder, 'theirs');
    mkdirSync(theirs);
    chownSync(theirs, uid, gid);
    const other = runCommandAs(uid, process.execPath, [
      main,
      'block',
      '203.0.113.8',
      '--config',
      config,
      '--state',
      theirs,
    ]);
    await assert.rejects(other, /EACCES/);
    await postern(guard.uid, 'undo', /undo (A\w+)/.exec(done)?.[1] ?? '');
    assert.doesNotMatch(await runCommand('nft', ['list', 'ruleset']), /203\.0\.113\.7/);
  } finally {
    helper.kill('SIGTERM');
    await once(helper, 'exit');
    await runCommand('nft', ['flush', 'ruleset']);
    rmSync(folder, { recursive: true });
  }
});

test(
  'what root did first in the folder of the guard stays its own to go on with; another user is told to ask as root',
  { skip: labClosed },
  async () => {
    const guard = userOf('vmail');
    const folder = mkdtempSync(join(tmpdir(), 'postern-owned-'));
    chownSync(folder, guard.uid, guard.gid);
    const shadow = join(folder, 'elsewhere');
    writeFileSync(shadow, '');
    chownSync(shadow, 0, 0);
    symlinkSync(shadow, join(folder, 'guard.lock'));
    const postern = (uid: number, ...args: string[]): Promise<string> =>
      runCommandAs(uid, process.execPath, [main, ...args, '--state', folder]);
    try {
      assert.match(await postern(0, 'lock', 'anna@lab.test'), /is locked/);
      assert.equal(statSync(shadow).uid, 0, 'what a link points to is not given away');
      rmSync(join(folder, 'guard.lock'));
      assert.match(await postern(guard.uid, 'unlock', 'anna@lab.test'), /is unlocked/);
      for (const command of ['incidents', 'status', 'pause', 'lock anna', 'block 203.0.113.7'])
        await assert.rejects(
          postern(userOf('laba').uid, ...command.split(' ')),
          /ended with 3: .*ask as root/,
          command,
        );
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
