import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWitness } from './witness.ts';

const minute = 60_000;

test('the log speaks, the hooks when there is none, and again when it has fallen silent', () => {
  const silent: string[] = [];
  const witness = createWitness((server, ms) => silent.push(`${server} ${ms / minute}`));
  const hooks = (times: number, now: number): boolean[] =>
    Array.from({ length: times }, () => witness.hookSpeaks('postfix', now));

  assert.deepEqual(hooks(2, 0), [true, true], 'no log yet');
  witness.logSpoke('postfix', 0);
  assert.ok(hooks(100, 4 * minute).every((speaks) => !speaks));
  witness.logSpoke('postfix', 4 * minute);
  assert.ok(
    hooks(19, 60 * minute).every((speaks) => !speaks),
    'a quiet hour is no silence',
  );
  assert.deepEqual(silent, []);
  assert.deepEqual(hooks(2, 60 * minute), [true, true]);
  assert.deepEqual(silent, ['postfix 56'], 'said once');
  assert.equal(witness.hookSpeaks('exim', 60 * minute), true, 'each server has its own');
  witness.logSpoke('postfix', 61 * minute);
  assert.deepEqual(hooks(1, 61 * minute), [false], 'and the log speaks again');
});
