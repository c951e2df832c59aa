/** Types, lint, format and dead code, each by its own tool, as tests: one run, one verdict. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { root } from './sources.ts';

/** The tools start with `#!/usr/bin/env node`: it must be the Node that runs this test. */
const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);

const runTool = (name: string, args: readonly string[]): Promise<{ code: number; output: string }> => {
  const { promise, resolve } = Promise.withResolvers<{ code: number; output: string }>();
  const options = { cwd: root, env: { ...process.env, PATH: path, NO_COLOR: '1' }, maxBuffer: 1 << 26 };
  execFile(join(root, 'node_modules/.bin', name), args, options, (error, stdout, stderr) => {
    resolve({ code: error === null ? 0 : 1, output: `${error?.code ?? ''}\n${stdout}${stderr}` });
  });
  return promise;
};

const tools = [
  { rule: 'types', name: 'tsc', args: ['-p', '.'] },
  { rule: 'lint', name: 'oxlint', args: ['--type-aware', '--deny-warnings', 'src', 'test', 'bench', 'bin'] },
  { rule: 'format', name: 'oxfmt', args: ['--check'] },
  { rule: 'dead code', name: 'knip', args: ['--no-progress'] },
] as const;

for (const { rule, name, args } of tools) {
  test(`${rule}: ${name} ${args.join(' ')}`, async () => {
    const { code, output } = await runTool(name, args);
    assert.ok(code === 0, output);
  });
}
