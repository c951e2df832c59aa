/** What a tired postmaster runs into: an edit in between, a server that is stopped, no root, the wrong state. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import { defaults } from '../../src/guard/settings.ts';
import { runCommand, runCommandAs } from '../servers/lab/daemon.ts';
import { labClosed } from '../servers/lab/door.ts';
import { userOf } from '../servers/lab/machine.ts';
import { startPostfix } from '../servers/lab/postfix.ts';
import { startWorld } from '../servers/lab/world.ts';

const postern = join(import.meta.dirname, '../../src/cli/main.ts');

test(
  'what somebody else edited stays when a set-up is taken back; our own lines edited are a refusal',
  { skip: labClosed },
  async () => {
    await using world = await startWorld();
    await using postfix = await startPostfix();
    assert.ok(world);
    assert.ok(postfix);
    const state = mkdtempSync('/run/postern-setup-');
    const config = join(state, 'postern.yaml');
    writeFileSync(config, `state: ${state}\nlogs: []\n`);
    const run = (...args: readonly string[]): Promise<string> =>
      runCommand(process.execPath, [postern, ...args, '--config', config]);
    const file = '/etc/postfix/main.cf';
    const write = (text: string): void => writeFileSync(file, text, 'latin1');
    try {
      const before = readFileSync(file, 'latin1');
      await run('setup', 'postfix', '--apply');
      const wired = readFileSync(file, 'latin1');
      await assert.rejects(run('status'), /ended with 6: [^]*not known yet, the guard has not looked: postern check/);
      assert.match(await run('setup', 'postfix', '--undo', '--dry-run'), /^would be undone: A/);
      assert.equal(readFileSync(file, 'latin1'), wired, 'said, not done');
      await assert.rejects(run('setup', 'postfix', '--undo', '--apply'), /ended with 2: .*contradict/);
      const broken = wired.replaceAll('timeout=3s', 'timeout=4s');
      assert.notEqual(broken, wired);
      write(broken);
      await assert.rejects(
        run('setup', 'postfix', '--undo'),
        /ended with 4: [^]*main\.cf: Postern's own lines were edited/,
      );
      assert.equal(readFileSync(file, 'latin1'), broken, 'nothing is done');
      assert.match(await run('actions'), /setup postfix/, 'and it is not forgotten');

      const edit = (text: string): string =>
        `# mine\n${text.replace('biff = no', 'biff = yes')}message_size_limit = 1\n`;
      write(edit(wired));
      await assert.rejects(
        run('setup', 'postfix', '--undo'),
        /ended with 5: postfix: Postern's lines are out; .*stays/,
      );
      assert.equal(readFileSync(file, 'latin1'), edit(before), 'to the byte');
      assert.match(await run('actions'), /nothing is in force/);

      await run('setup', 'postfix', '--apply');
      write('# rebuilt by somebody\n');
      assert.match(await run('setup', 'postfix', '--undo'), /postfix: as it was/, 'of ours nothing is there');
      assert.equal(readFileSync(file, 'latin1'), '# rebuilt by somebody\n');
      write(before);
    } finally {
      rmSync(state, { recursive: true });
    }
  },
);

test('a server that is stopped is set up all the same: it reads that at its start', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  const postfix = await startPostfix();
  await postfix.stop();
  const state = mkdtempSync('/run/postern-setup-');
  const run = (...args: readonly string[]): Promise<string> =>
    runCommand(process.execPath, [postern, ...args, '--state', state]);
  try {
    const before = readFileSync('/etc/postfix/main.cf', 'latin1');
    assert.match(await run('setup', 'postfix', '--apply'), /undo: postern undo A/);
    assert.match(await runCommand('postconf', ['-h', 'smtpd_data_restrictions']), /127\.0\.0\.1:10040/);
    assert.match(await run('setup', 'postfix', '--undo'), /as it was/);
    assert.equal(readFileSync('/etc/postfix/main.cf', 'latin1'), before);
    // What was wrong before, Postfix says in its log alone.
    writeFileSync('/etc/postfix/main.cf', `${before}no equals sign\n`, 'latin1');
    await assert.rejects(
      run('setup', 'postfix', '--apply'),
      /ended with 5: .*postfix check failed .*the mail log says why/,
    );
  } finally {
    rmSync(state, { recursive: true });
  }
});

test('no root, no guard, another state: said in a line, with the way out', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using postfix = await startPostfix();
  assert.ok(postfix);
  const { uid, gid } = userOf('laba');
  const [state, own] = [mkdtempSync('/run/postern-guard-'), mkdtempSync('/run/postern-own-')];
  chmodSync(state, 0o755);
  chownSync(own, uid, gid);
  const as = (...args: readonly string[]): Promise<string> => runCommandAs(uid, process.execPath, [postern, ...args]);
  const fails = async (printed: Promise<string>, words: RegExp): Promise<void> => {
    const error: unknown = await printed.then(
      () => undefined,
      (rejected: unknown) => rejected,
    );
    assert.ok(error instanceof Error);
    assert.match(error.message, words);
    assert.doesNotMatch(error.message, / {4}at /, 'no stack');
  };
  const guard = await startGuard(new Map([...defaults, ['state', state], ['logs', []]]), () => undefined);
  try {
    assert.match(await as('setup', 'postfix', '--state', own), /do it: postern setup postfix --apply/);
    await fails(as('setup', 'postfix', '--apply', '--state', own), /ended with 5: .*ask as root \(sudo\)/);
    await fails(as('check', 'postfix', '--state', own), /ended with 6: .*no guard runs on .*--state/);
    await fails(as('status', '--state', own), /ended with 6: guard +does not run/);
    await fails(as('check', 'postfix', '--state', state), /ended with 3: .*check\.key: ask as root/);
    const nowhere = runCommand(process.execPath, [postern, 'check', '192.0.2.98:25', '--state', state]);
    await fails(nowhere, /ended with 5: [^]*nobody listens there/);
    const root = await runCommand(process.execPath, [postern, 'status', '--state', state, '--json']);
    assert.equal(JSON.parse(root).guard, true);
  } finally {
    await guard.stop();
    for (const folder of [state, own]) rmSync(folder, { recursive: true });
  }
});
