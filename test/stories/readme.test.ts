/** The sessions that README.md shows, run as they are printed there against the guard that it starts. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { readConfig } from '../../src/guard/config.ts';
import { until } from '../servers/lab/await.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { labClosed } from '../servers/lab/door.ts';

const root = join(import.meta.dirname, '../..');

type Shown = { readonly command: string; readonly printed: readonly string[] };

/** Commands of a block, each with what is printed below it. @param start of the block, up to its first command */
const sessionsIn = (page: string, start: string): readonly Shown[] => {
  const [block = ''] = readFileSync(join(root, page), 'utf8').split(start).slice(1);
  return block
    .slice(0, block.indexOf('```'))
    .split('\n$ ')
    .slice(1)
    .map((session) => {
      const [command = '', ...printed] = session.trimEnd().split('\n');
      return { command, printed };
    });
};

/** What a command prints, also where it ends as one that was refused. */
const outputOf = (command: string): Promise<string> =>
  runCommand('sh', ['-c', command]).catch((error: unknown) => String(error));

const isThere = (group: number): boolean => {
  try {
    return process.kill(group, 0);
  } catch {
    return false;
  }
};

test(
  'npm start, and mail from swaks and smtp-source, as README.md and docs/gate.md print it',
  { skip: labClosed },
  async () => {
    const shown = [...sessionsIn('README.md', '$ npm start'), ...sessionsIn('docs/gate.md', '`gate.key`.\n\n```')];
    assert.deepEqual(
      shown.map(({ command }) => command.split(' ')[0]),
      ['swaks', 'smtp-source', 'ls', 'swaks', 'swaks', 'swaks', 'swaks'],
    );
    const clone = mkdtempSync(join(tmpdir(), 'postern-readme-'));
    for (const name of ['bin', 'src', 'package.json', 'package-lock.json'])
      cpSync(join(root, name), join(clone, name), { recursive: true });
    for (const name of ['node_modules', '.node']) symlinkSync(join(root, name), join(clone, name));
    const guard = spawn('npm', ['start', '--silent'], {
      cwd: clone,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    try {
      for await (const line of createInterface({ input: guard.stdout })) if (line.startsWith('Ctrl-C stops')) break;
      guard.stdout.resume();
      for (const { command, printed } of shown) {
        const heard = await outputOf(`cd ${clone} && ${command}`);
        // The name of the file that the message is stored as is its own.
        const wanted = (printed.at(-1) ?? '').replace(/ as .*/, ' as ');
        assert.ok(heard.includes(wanted), `${command}: ${heard}`);
      }
    } finally {
      const group = guard.pid ?? assert.fail();
      process.kill(-group, 'SIGTERM');
      await once(guard, 'exit');
      // npm ends with its shell; the guard may still write down what it knows.
      await until(
        () => 'the guard goes on',
        () => !isThere(-group),
      );
      rmSync(clone, { recursive: true });
    }
  },
);

test('README.md prints what Postern says of the fixtures', async () => {
  const shown = sessionsIn('README.md', '## What attacked this server?\n\n```').concat(
    sessionsIn('README.md', 'Why does an address stand as it does?\n\n```'),
  );
  assert.deepEqual(
    shown.map(({ command }) => command.split(' ')[1]),
    ['analyze', 'explain'],
  );
  // The stamps of that log have no year.
  const undated = (text: string): string => text.replaceAll(/\d{4}(?=-\d\d-\d\d )/g, 'YYYY');
  for (const { command, printed } of shown) {
    const heard = undated(await outputOf(command.replace('bin/postern', `cd ${root} && bin/postern`)));
    for (const line of printed.filter((text) => !/ [A-Z0-9]{6} {2}/.test(text) && text.trim() !== '…'))
      assert.ok(heard.includes(undated(line)), line);
  }
});

test('the configurations that the pages print are ones', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-pages-'));
  try {
    const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
    const blocks = ['README.md', ...pages.map((name) => `docs/${name}`)].flatMap((page) =>
      readFileSync(join(root, page), 'utf8')
        .split('```yaml\n')
        .slice(1)
        .map((rest) => rest.slice(0, rest.indexOf('```'))),
    );
    assert.ok(blocks.length >= 10, `${blocks.length} blocks`);
    for (const block of blocks) {
      const file = join(folder, 'postern.yaml');
      writeFileSync(file, block);
      assert.ok(readConfig(file).values.size > 0, block);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
