/** Pages that list something list all of it, and nothing that is gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands } from '../../src/cli/commands.ts';
import { attackNames } from '../../src/model/attack.ts';
import { filesOf, isTest, read } from './sources.ts';

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

/** What somebody could copy: in a block, or between backquotes. */
const commandsIn = (text: string): readonly (readonly string[])[] =>
  [...text.matchAll(/(?<=^|[`$ |])(?:sudo )?(?:bin\/)?postern ([a-z]+)((?: [^`\n#|;]*)?)/gm)]
    .filter(({ 1: name = '' }) => known.has(name))
    .map(({ 1: name = '', 2: rest = '' }) => [name, ...(rest.match(/(?<= )--[a-z-]+/g) ?? [])]);

const known = new Map(commands.map((command) => [command.name, command]));

test('every command that a page shows has the options that it shows', () => {
  const pages = ['README.md', ...filesOf('docs/*.md', 10)].map((file) => ({ file, shown: commandsIn(read(file)) }));
  assert.ok(pages.flatMap(({ shown }) => shown).length > 100);
  const wrong = pages.flatMap(({ file, shown }) =>
    shown.flatMap(([name = '', ...options]) => {
      const has = new Set(['--help', ...(known.get(name)?.options ?? []).map((option) => `--${option.name}`)]);
      return options.filter((option) => !has.has(option)).map((option) => `${file}: postern ${name} ${option}`);
    }),
  );
  assert.deepEqual(wrong, []);
});

test('README.md shows the two commands that package.json has', () => {
  const { scripts } = JSON.parse(read('package.json'));
  const [readme = ''] = filesOf('README.md');
  for (const command of ['start', 'test']) {
    assert.ok(command in scripts, `package.json has no ${command}`);
    assert.ok(read(readme).includes(`npm ${command}`), `README.md does not show npm ${command}`);
  }
});

test('ARCHITECTURE.md names every folder of a room; mail servers are many of a kind', () => {
  const namesOf = (pattern: string): Set<string> => new Set(filesOf(pattern).map((file) => file.split('/')[2] ?? ''));
  const servers = namesOf('src/servers/*/log.ts');
  const page = read('ARCHITECTURE.md');
  assert.deepEqual(
    [...namesOf('src/*/*/**/*.ts').difference(servers)].filter((name) => !page.includes(name)),
    [],
  );
});

test('docs/gate-tests.md names tests that are there', () => {
  const [page = ''] = filesOf('docs/gate-tests.md');
  const named = [...read(page).matchAll(/\[([^\]]+)\]\(\.\.\/(test\/[^)]+)\)/g)];
  assert.ok(named.length > 50);
  const gone = named.filter(([, title = '', file = '']) => !isTest(file) || !read(file).includes(title));
  assert.deepEqual(
    gone.map(([link]) => link),
    [],
  );
});
