/** Nothing that Postern may do outside is without its proof on the real thing, nor without its row in the documentation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionKinds } from '../../src/model/receipt.ts';
import { mapFormatNames } from '../../src/servers/access-map.ts';
import { rows } from '../deeds/every/rows.ts';
import { read } from './sources.ts';

test('every kind of action has a row in test/deeds/every, and a name of its own', () => {
  assert.deepEqual(new Set(rows.map(({ kind }) => kind)), new Set(actionKinds));
  assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length);
});

test('every format of an access map, and every server that can be set up or has a queue, has its row', () => {
  const of = (...kinds: readonly string[]): Set<string> =>
    new Set(rows.filter(({ kind }) => kinds.includes(kind)).map((row) => row.of));
  assert.deepEqual(of('access-entry'), new Set(mapFormatNames));
  assert.deepEqual(of('setup'), new Set(['postfix', 'exim', 'sendmail', 'dovecot']));
  for (const kind of ['queue-hold', 'queue-purge'])
    assert.deepEqual(of(kind), new Set(['Postfix', 'Exim', 'Sendmail']));
});

test('docs/actions.md has a row for every kind of action', () => {
  const listed = [...read('docs/actions.md').matchAll(/^\| `([a-z-]+)` /gm)].map(([, kind = '']) => kind);
  assert.deepEqual(new Set(listed), new Set(actionKinds));
});
