/** The folder list is the architecture: who may import whom (DESIGN §5), and what pure rooms may not know. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, filesOf, importsOf, isTest } from './sources.ts';

const doors = ['src/sense', 'src/act', 'src/record', 'src/show', 'src/fleet', 'src/helper'] as const;
const middle = [
  'src/model',
  'src/protocols',
  'src/servers',
  'src/judge/statistics',
  'src/judge/detectors',
  'src/judge',
] as const;

/** A room not named here may import nothing and be imported by none. */
const mayImport = new Map<string, readonly string[]>([
  ['src/model', []],
  ['src/protocols', ['src/model']],
  ['src/servers', ['src/model', 'src/protocols']],
  ['src/judge/statistics', ['src/model']],
  ['src/judge/detectors', ['src/model', 'src/judge/statistics']],
  ['src/judge', ['src/model', 'src/judge/statistics', 'src/judge/detectors']],
  ['src/sense', ['src/model', 'src/protocols', 'src/servers']],
  ['src/act', ['src/model', 'src/servers']],
  ['src/record', ['src/model']],
  ['src/show', ['src/model']],
  ['src/fleet', ['src/model', 'src/judge/statistics']],
  ['src/helper', ['src/model']],
  ['src/guard', [...middle, ...doors]],
  ['src/cli', [...middle, ...doors, 'src/guard']],
]);
const innermostFirst = [...mayImport.keys()].toSorted((a, b) => b.length - a.length);
const roomOf = (file: string): string =>
  innermostFirst.find((room) => file.startsWith(`${room}/`)) ?? `(no room) ${file}`;

const isPure = (file: string): boolean => middle.some((room) => file.startsWith(`${room}/`));
const sources = (): string[] => filesOf('src/**/*.ts', 20);
const pureSources = (): string[] => sources().filter((file) => isPure(file) && !isTest(file));

test('imports run downward only', () => {
  const wrong = sources()
    .flatMap(importsOf)
    .filter(({ target }) => target.startsWith('src/'))
    .filter(
      ({ from, target }) => roomOf(from) !== roomOf(target) && !mayImport.get(roomOf(from))?.includes(roomOf(target)),
    )
    .map(({ from, target }) => `${from} imports ${target}`);
  assert.deepEqual(wrong, []);
});

test('every source file stands in a room', () => {
  assert.deepEqual(
    sources().filter((file) => roomOf(file).startsWith('(no room)')),
    [],
  );
});

test('source imports nothing from test, bench or bin; a test beside it may share a set-up that stands in test', () => {
  const wrong = sources()
    .flatMap(importsOf)
    .filter(({ from, target }) => (isTest(from) ? /^(bench|bin)\// : /^(test|bench|bin)\//).test(target))
    .map(({ from, target }) => `${from} imports ${target}`);
  assert.deepEqual(wrong, []);
});

test('pure rooms import nothing from outside but node:buffer', () => {
  const wrong = pureSources()
    .flatMap(importsOf)
    .filter(({ target }) => !target.startsWith('src/') && target !== 'node:buffer')
    .map(({ from, target }) => `${from} imports ${target}`);
  assert.deepEqual(wrong, []);
});

test('pure rooms never ask the time', () => {
  const readsTheClock = /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)/;
  const knowsTheCalendar = /\bDate\b/;
  const wrong = pureSources().filter((file) => {
    const mayParseDates = file.startsWith('src/servers/') || file.startsWith('src/protocols/');
    return (mayParseDates ? readsTheClock : knowsTheCalendar).test(codeOf(file));
  });
  assert.deepEqual(wrong, []);
});
