import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../../model/event.ts';
import type { Event } from '../../model/event.ts';
import { createAskedCount, askedCountBytes } from '../check/asked-count.ts';
import { createUnasked, isTaken, unaskedMin } from './unasked.ts';

const scene = () => {
  const asked = createAskedCount(new SharedArrayBuffer(askedCountBytes));
  return { asked, unasked: createUnasked(asked.of) };
};
const took = ({ unasked }: ReturnType<typeof scene>, times: number): number => {
  let count = 0;
  for (let at = 0; at < times; at++) count = unasked.took('postfix');
  return count;
};

test('mail without a question is counted until one comes', () => {
  const one = scene();
  assert.equal(took(one, unaskedMin), unaskedMin);
  one.asked.note('postfix');
  assert.equal(one.unasked.of('postfix'), 0);
  assert.equal(took(one, 3), 3);
  one.asked.note('exim');
  assert.equal(took(one, 1), 4, 'another server asked');
  one.unasked.forgive('postfix');
  assert.equal(one.unasked.of('postfix'), 0);
});

test('what counts is mail, or a login to a mailbox, that came from somewhere', () => {
  const event = (
    fields: Partial<Event>,
    server: Event['server'] = 'postfix',
    kind: Event['kind'] = 'message',
  ): Event => ({
    ...draftEvent(0, server, kind),
    client: '203.0.113.9',
    ...fields,
  });
  assert.ok(isTaken(event({})));
  assert.ok(isTaken(event({ outcome: 'success' }, 'dovecot', 'auth')));
  for (const other of [
    event({ client: undefined }),
    event({ protocol: 'local' }),
    event({ account: 'alice' }),
    event({ outcome: 'failure' }, 'dovecot', 'auth'),
    event({}, 'postfix', 'recipient'),
  ])
    assert.ok(!isTaken(other));
});
