import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../change.ts';
import { setUpSendmail } from './setup.ts';

const endpoints = {
  policy: '127.0.0.1:10040',
  milter: '127.0.0.1:10041',
  readsocket: '127.0.0.1:10042',
  authPolicy: '127.0.0.1:10043',
};
const textOf = (change: Change): string => {
  assert.ok(change.kind === 'changed');
  return change.text;
};

test('Sendmail: one filter without F=, and none beside another one', () => {
  const text = textOf(setUpSendmail('V10\nS1\nR$* $1\n', endpoints));
  assert.match(text, /^O InputMailFilters=postern\nXpostern, S=inet:10041@127\.0\.0\.1, T=/m);
  assert.deepEqual(setUpSendmail(text, endpoints), { kind: 'nothing' });
  assert.equal(setUpSendmail('O InputMailFilters=opendkim\n', endpoints).kind, 'by-hand');
});
