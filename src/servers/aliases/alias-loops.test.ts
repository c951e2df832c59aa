import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { aliasLoops } from './alias-loops.ts';
import type { AliasLink } from './alias-loops.ts';

const link = (key: string, ...targets: readonly string[]): AliasLink => ({ key, targets });

test('aliases that name each other, domains that do, and what is no loop', () => {
  const rows: readonly (readonly [readonly AliasLink[], readonly (readonly string[])[]])[] = [
    [[link('a@x', 'b@x'), link('B@x', 'A@x')], [['a@x', 'b@x']]],
    [[link('aa', 'bb'), link('bb', 'd', 'cc'), link('cc', 'aa')], [['aa', 'bb', 'cc']]],
    [[link('@one.test', '@two.test'), link('@two.test', '@one.test')], [['@one.test', '@two.test']]],
    [[link('@one.test', 'all@two.test'), link('@two.test', 'x@one.test')], [['@one.test', '@two.test']]],
    // It has an entry of its own.
    [
      [link('@one.test', 'all@two.test'), link('all@two.test', 'alice@three.test'), link('@two.test', 'x@one.test')],
      [],
    ],
    [[link('a@x', 'a@x', 'b@y')], []],
    [[link('a@x', 'b@x', 'c@x'), link('b@x', 'd@x'), link('c@x', 'd@x'), link('d@x', 'e@y')], []],
    [[], []],
  ];
  for (const [entries, expected] of rows) assert.deepEqual(aliasLoops(entries), expected);
});

test('any aliases come to an end, and what is called a loop is one', () => {
  const name = fc.constantFrom('a@x', 'b@x', 'c@x', '@x', '@y', 'd@y', 'e');
  const entry = fc.record({ key: name, targets: fc.array(name, { maxLength: 4 }) });
  fc.assert(
    fc.property(fc.uniqueArray(entry, { selector: ({ key }) => key }), (entries) => {
      for (const loop of aliasLoops(entries)) {
        assert.ok(loop.length >= 2);
        for (const [at, from] of loop.entries()) {
          const to = loop[(at + 1) % loop.length] ?? '';
          const targets = entries.find(({ key }) => key === from)?.targets ?? [];
          assert.ok(targets.some((target) => target === to || (to.startsWith('@') && target.endsWith(to))));
        }
      }
    }),
  );
});
