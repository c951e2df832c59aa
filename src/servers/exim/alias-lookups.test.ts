import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { aliasLookups } from './alias-lookups.ts';

const rows: readonly (readonly [string, readonly string[]])[] = [
  ['  data = ${lookup{$local_part}lsearch*{/etc/aliases}}', ['/etc/aliases']],
  ['data = ${lookup{$local_part@$domain}lsearch*@{/etc/exim/virtual}{$value}fail}', ['/etc/exim/virtual']],
  ['data = ${lookup{$local_part@$domain}wildlsearch{/etc/exim/wild}}', ['/etc/exim/wild']],
  ['data = ${lookup{$local_part}cdb*{/etc/aliases.cdb}}', ['/etc/aliases.cdb (not text)']],
  ['data = ${lookup{$local_part}lsearch{/etc/aliases}}', []],
  ['data = ${lookup{*}lsearch*{/etc/valiases/$domain}}', []],
  ['data = ${lookup{*}lsearch*{/etc/valiases$domain}}', []],
  ['domains = lsearch*;/etc/domains', []],
];

test('rows', () => {
  for (const [line, wanted] of rows)
    assert.deepEqual(
      aliasLookups(`driver = redirect\n${line}\nno_more\n`).map(({ path, isText }) =>
        isText ? path : `${path} (not text)`,
      ),
      wanted,
      line,
    );
});

test('any text is read', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => {
      for (const { path } of aliasLookups(`data = lsearch*{/${text}}`)) assert.match(path, /^\/[^\s{}$:;]+$/);
    }),
  );
});
