/** A fixture says where it comes from: server, version, date and what provoked it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesOf, read } from './sources.ts';

test('every log fixture begins with its header', () => {
  const wrong = filesOf('test/fixtures/**/*.{log,csv,json}').filter((file) => !read(file).startsWith('# '));
  assert.deepEqual(wrong, []);
});
