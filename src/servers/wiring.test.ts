import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { names, readAssignments, settingOf, unset } from './wiring.ts';

test('an endpoint is named only where no longer one begins with it', () => {
  assert.ok(names('check_policy_service { inet:127.0.0.1:10040, timeout=3s }', 'inet:127.0.0.1:10040'));
  assert.ok(!names('inet:127.0.0.1:100401', 'inet:127.0.0.1:10040'));
  assert.ok(names('inet:127.0.0.1:100401 inet:127.0.0.1:10040', 'inet:127.0.0.1:10040'));
});

test('assignments: values go on in lines that begin with white space', () => {
  const read = readAssignments('a = 1\nb =\n  x,\n\ty\nno assignment\nc=2');
  assert.deepEqual(
    [...read],
    [
      ['a', '1'],
      ['b', 'x, y'],
      ['c', '2'],
    ],
  );
});

test('a setting is found by its whole name', () => {
  assert.equal(settingOf('recipients_max_reject\n  recipients_max = 40\n', 'recipients_max'), '40');
  assert.equal(settingOf('# recipients_max = 40\n', 'recipients_max'), undefined);
  assert.deepEqual(unset('limits', []), []);
});

test('no text makes the readers fail', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), (text, name) => {
      readAssignments(text);
      settingOf(text, name);
      names(text, name);
    }),
  );
});
