import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from './event.ts';
import { Fault, faultCodes } from './fault.ts';
import { keep, keepIfAny } from './keep.ts';

test('all drafts have the same fields in the same order, undefined until they are told', () => {
  const connect = draftEvent(1, 'postfix', 'connect');
  const auth = draftEvent(2, 'dovecot', 'auth');
  assert.deepEqual(Object.keys(connect), Object.keys(auth));
  assert.equal(Object.values(connect).filter((value) => value !== undefined).length, 3);
});

test('a kept text is the same text, short or long', () => {
  for (const text of ['', 'a', '192.0.2.1', 'a'.repeat(13), 'häßlich'.repeat(100)]) assert.equal(keep(text), text);
  assert.equal(keepIfAny(undefined), undefined);
});

test('a fault has a code that has an exit status', () => {
  const fault = new Fault('INPUT_UNREADABLE', 'cannot read x');
  assert.equal(faultCodes[fault.code], 3);
  assert.ok(fault instanceof Error);
});
