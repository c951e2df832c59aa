import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../../model/event.ts';
import type { Event } from '../../model/event.ts';
import { askedAtBytes, createAskedAt } from '../check/asked-at.ts';
import { createUnasked, isTaken, unaskedMin } from './unasked.ts';

const now = 1_795_000_000_000;
const scene = () => {
  const asked = createAskedAt(new SharedArrayBuffer(askedAtBytes));
  return { asked, unasked: createUnasked(asked.of) };
};
const took = ({ unasked }: ReturnType<typeof scene>, times: number, time: number): number => {
  let count = 0;
  for (let at = 0; at < times; at++) count = unasked.took('postfix', time);
  return count;
};

test('mail without a question is counted until one comes', () => {
  const one = scene();
  assert.equal(took(one, unaskedMin, now), unaskedMin);
  one.asked.note('postfix', now + 1000);
  assert.equal(one.unasked.of('postfix'), 0);
  assert.equal(took(one, 3, now + 60_000), 3);
  one.asked.note('exim', now + 61_000);
  assert.equal(took(one, 1, now + 61_000), 4, 'another server asked');
  one.unasked.forgive('postfix');
  assert.equal(one.unasked.of('postfix'), 0);
});

test('a log that is read late is no debt: its own times count', () => {
  const one = scene();
  one.asked.note('postfix', now);
  assert.equal(took(one, 500, now - 30_000), 0, 'before the last question');
  assert.equal(took(one, 500, now + 4000), 0, 'a slow message');
  assert.equal(took(one, 500, now + 7000), 500);
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
