/** Names that say nothing, lists that hide, modules without a test beside them. */
import assert from 'node:assert/strict';
import { basename, dirname } from 'node:path';
import { test } from 'node:test';
import { codeOf, filesOf, importsOf, isTest } from './sources.ts';

const saysNothing = /^(utils?|helpers?|common|misc|base|manager|service|handler|core|lib|shared|index)$/;
/** The one process that does root's work is called the helper. */
const allowed = new Set(['src/helper']);
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*$/;

const sources = (): string[] => filesOf('{src,test,bench}/**/*.ts', 20);

/** Every folder and file below the root, each once, as a path. */
const namesIn = (files: readonly string[]): string[] => {
  const paths = files.flatMap((file) => file.split('/').map((_, at, parts) => parts.slice(0, at + 1).join('/')));
  return [...new Set(paths)];
};

const stem = (path: string): string => basename(path).replace(/(\.property)?(\.test)?\.ts$/, '');

test('no file and no folder has a name that says nothing', () => {
  const wrong = namesIn(sources()).filter((path) => saysNothing.test(stem(path)) && !allowed.has(path));
  assert.deepEqual(wrong, []);
});

test('names are kebab-case', () => {
  const wrong = namesIn(sources()).filter((path) => !kebabCase.test(stem(path)));
  assert.deepEqual(wrong, []);
});

/** A function declared at the top of a module. Types, tables and re-exports need no test of their own. */
const declaresFunction = /^(export )?(async )?(function|class)\b|^(export )?const \w+.*= (async )?[(<]/m;

/** What a test of this folder reaches through imports that stay in the folder. */
const reachedIn = (folder: string, from: readonly string[]): Set<string> => {
  const reached = new Set(from);
  for (const file of reached) {
    for (const { target } of importsOf(file)) if (dirname(target) === folder) reached.add(target);
  }
  return reached;
};

test('every module with behaviour in a pure room is reached by a test of its own folder', () => {
  const files = filesOf('src/{model,protocols,servers,judge}/**/*.ts', 10);
  const folders = new Set(files.map((file) => dirname(file)));
  const untested = [...folders].flatMap((folder) => {
    const own = files.filter((file) => dirname(file) === folder);
    const reached = reachedIn(folder, own.filter(isTest));
    return own.filter((file) => !isTest(file) && declaresFunction.test(codeOf(file)) && !reached.has(file));
  });
  assert.deepEqual(untested, []);
});
