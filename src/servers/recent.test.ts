import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recent } from './recent.ts';

test('the recent are remembered, the old forgotten, and what was deleted does not come back', () => {
  const map = recent<number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('c', 3);
  assert.deepEqual([map.get('b'), map.get('c')], [2, 3], 'of the generation before, too');
  map.set('d', 4);
  assert.equal(map.get('a'), undefined);
  map.set('b', 6);
  assert.equal(map.get('b'), 6);
  map.delete('b');
  assert.equal(map.get('b'), undefined);
});
