import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createTwins } from './twins.ts';

test('a line in two files is told once, a line twice in one file twice', () => {
  const twins = createTwins<string>();
  const told = (line: string, file: string): boolean => twins.told(1000, line, file);
  assert.deepEqual(
    [told('a', 'main'), told('a', 'reject'), told('b', 'reject'), told('b', 'main')],
    [false, true, false, true],
  );
  assert.deepEqual(
    [told('c', 'main'), told('c', 'main'), told('c', 'reject'), told('c', 'reject')],
    [false, false, true, true],
  );
  assert.equal(told('c', 'reject'), false, 'a third time, which the main log does not know');
  assert.equal(twins.told(60_000, 'a', 'reject'), false, 'a minute later it is another fact');
});

test('what is told of each line is what the file holds that has it most often, in any order', () => {
  const lines = fc.array(fc.record({ line: fc.constantFrom('a', 'b', 'c'), file: fc.constantFrom(1, 2, 3) }));
  fc.assert(
    fc.property(lines, (all) => {
      const twins = createTwins<number>();
      const told = all.filter(({ line, file }) => !twins.told(0, line, file));
      for (const line of ['a', 'b', 'c']) {
        const most = Math.max(
          ...[1, 2, 3].map((file) => all.filter((each) => each.line === line && each.file === file).length),
        );
        assert.equal(told.filter((each) => each.line === line).length, most);
      }
    }),
  );
});
