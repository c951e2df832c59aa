/** Small files, short lists. Who needs more says here why. */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { filesOf, isTest, read } from './sources.ts';

const linesMax = 300;
const medianLinesMax = 110;
const modulesPerFolderMax = 16;
const levelsBelowSrcMax = 3;

/** File or folder → why it may be larger. An entry that is no longer needed fails, too. */
const exceptions = new Map<string, string>([
  ['src/judge/detectors', 'one attack a file, and a flat list is the point'],
  ['src/act', 'one reversible action a file, a flat list is the point'],
  ['src/guard', 'the composition root, one wiring a file'],
  ['src/model', 'the words of the house, a flat list is the point'],
  ['src/cli', 'one command a file, and a flat list is the point'],
]);

const modules = (): string[] => filesOf('src/**/*.ts', 20).filter((file) => !isTest(file));
const linesOf = (file: string): number => read(file).split('\n').length - 1;

const tooLong = (): string[] => modules().filter((file) => linesOf(file) > linesMax);
const tooFull = (): string[] => {
  const folders = Map.groupBy(modules(), dirname);
  return [...folders].filter(([, files]) => files.length > modulesPerFolderMax).map(([folder]) => folder);
};

test(`no module is longer than ${linesMax} lines`, () => {
  assert.deepEqual(
    tooLong()
      .filter((file) => !exceptions.has(file))
      .map((file) => `${file}: ${linesOf(file)}`),
    [],
  );
});

test(`the median module is shorter than ${medianLinesMax} lines`, () => {
  const lengths = modules()
    .map(linesOf)
    .toSorted((a, b) => a - b);
  const median = lengths[lengths.length >> 1] ?? Number.POSITIVE_INFINITY;
  assert.ok(median < medianLinesMax, `the median is ${median}`);
});

test(`no folder holds more than ${modulesPerFolderMax} modules`, () => {
  assert.deepEqual(
    tooFull().filter((folder) => !exceptions.has(folder)),
    [],
  );
});

test(`no module stands deeper than ${levelsBelowSrcMax} levels below src`, () => {
  assert.deepEqual(
    modules().filter((file) => file.split('/').length - 1 > levelsBelowSrcMax + 1),
    [],
  );
});

test('every exception is still needed', () => {
  const needed = new Set([...tooLong(), ...tooFull()]);
  assert.deepEqual(
    [...exceptions.keys()].filter((path) => !needed.has(path)),
    [],
  );
});
