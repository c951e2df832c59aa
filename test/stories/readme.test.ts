/** The sessions that README.md shows, run as they are printed there against the guard that it starts. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { runCommand } from '../servers/lab/daemon.ts';
import { labClosed } from '../servers/lab/door.ts';

const root = join(import.meta.dirname, '../..');

/** Commands of the block that begins with `npm start`, each with what is printed below it. */
const sessions = (): readonly { readonly command: string; readonly printed: readonly string[] }[] => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [block = ''] = readme.split('$ npm start\n').slice(1);
  return block
    .slice(0, block.indexOf('```'))
    .split('\n$ ')
    .slice(1)
    .map((session) => {
      const [command = '', ...printed] = session.trimEnd().split('\n');
      return { command, printed };
    });
};

test('npm start, and mail from swaks and smtp-source, as README.md prints it', { skip: labClosed }, async () => {
  const shown = sessions();
  assert.deepEqual(
    shown.map(({ command }) => command.split(' ')[0]),
    ['swaks', 'smtp-source', 'ls'],
  );
  const clone = mkdtempSync(join(tmpdir(), 'postern-readme-'));
  for (const name of ['bin', 'src', 'package.json', 'package-lock.json', 'node_modules', '.node'])
    symlinkSync(join(root, name), join(clone, name));
  const guard = spawn('npm', ['start', '--silent'], {
    cwd: clone,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  try {
    for await (const line of createInterface({ input: guard.stdout })) if (line.startsWith('Ctrl-C stops')) break;
    guard.stdout.resume();
    for (const { command, printed } of shown) {
      const heard = await runCommand('sh', ['-c', `cd ${clone} && ${command}`]);
      // The name of the file that the message is stored as is its own.
      const wanted = (printed.at(-1) ?? '').replace(/ as .*/, ' as ');
      assert.ok(heard.includes(wanted), `${command}: ${heard}`);
    }
  } finally {
    process.kill(-(guard.pid ?? 0), 'SIGTERM');
    await once(guard, 'exit');
    rmSync(clone, { recursive: true });
  }
});
