/** Pages that list something list all of it, and nothing that is gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands } from '../../src/cli/commands.ts';
import { attackNames } from '../../src/model/attack.ts';
import { filesOf, read } from './sources.ts';

/** First cells of the rows of a page's tables that hold one word in backquotes: | `dictionary` | … */
const listedIn = (page: string): string[] => {
  const [file = ''] = filesOf(page);
  return [...read(file).matchAll(/^\| `([a-z][a-z-]*)[^`|]*` /gm)].map(([, word = '']) => word);
};

test('docs/attacks.md has a row for every attack, and no other', () => {
  assert.deepEqual(new Set(listedIn('docs/attacks.md')), new Set(attackNames));
});

test('docs/commands.md has a row for every command, and no other', () => {
  assert.deepEqual(new Set(listedIn('docs/commands.md')), new Set(commands.map(({ name }) => name)));
});

test('docs/commands.md names every option of every command', () => {
  const [page = ''] = filesOf('docs/commands.md');
  const options = new Set(commands.flatMap((command) => command.options.map(({ name }) => name)));
  assert.deepEqual(
    [...options].filter((name) => !read(page).includes(`--${name}`)),
    [],
  );
});

test('README.md shows the two commands that package.json has', () => {
  const { scripts } = JSON.parse(read('package.json'));
  const [readme = ''] = filesOf('README.md');
  for (const command of ['start', 'test']) {
    assert.ok(command in scripts, `package.json has no ${command}`);
    assert.ok(read(readme).includes(`npm ${command}`), `README.md does not show npm ${command}`);
  }
});
