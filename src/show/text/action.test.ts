import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Receipt } from '../../model/receipt.ts';
import { actionLine } from './action.ts';

const block: Receipt = {
  id: 'A7K2QM',
  kind: 'firewall-block',
  subject: '203.0.113.7',
  memory: null,
  state: 'done',
  made: 0,
  until: 7_200_000,
  incident: undefined,
  who: 'anna',
  why: 'guesses',
  note: '',
};

test('an action tells its end as long as it has one to come', () => {
  assert.match(actionLine(block), /A7K2QM {2}done +firewall-block 203\.0\.113\.7, until .*anna: guesses/);
  assert.match(actionLine({ ...block, state: 'suggested' }), /, until /);
  for (const state of ['undone', 'failed'] as const) assert.doesNotMatch(actionLine({ ...block, state }), /until/);
});
