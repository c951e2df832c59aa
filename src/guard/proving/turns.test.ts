import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Look } from './place.ts';
import { turnOf } from './turns.ts';
import type { Turn } from './turns.ts';

const place = { server: 'postfix', host: '192.0.2.25', port: 25, hook: 'policy', isSetUp: true } as const;
const look = (state: Look['state'], isByMail = false): Look => ({ state, words: state, isByMail });

/** What is told of looks that follow each other, and the state that is left. */
const turnsOf = (...looks: readonly Look[]): readonly [readonly (Turn | undefined)[], Look['state'] | undefined] => {
  let kept: Parameters<typeof turnOf>[0];
  const turns = looks.map((one, at) => {
    const found = turnOf(kept, place, one, at);
    ({ kept } = found);
    return found.turn;
  });
  return [turns, kept?.state];
};

test('one word at each turning point, none in between', () => {
  const [proven, lost] = [look('proven'), look('wrong')];
  const [turns] = turnsOf(proven, proven, lost, lost, proven, proven, lost);
  assert.deepEqual(turns, ['proven', undefined, 'lost', undefined, 'mended', undefined, 'lost']);
  assert.deepEqual(turnsOf(lost)[0], ['lost'], 'set up, and never asked');
});

test('a server that is down tells nothing: neither that it asks no more, nor that it asks again', () => {
  const down = look('not-proven');
  assert.deepEqual(turnsOf(look('proven'), down, look('proven')), [['proven', undefined, undefined], 'proven']);
  assert.deepEqual(turnsOf(look('wrong'), down), [['lost', undefined], 'wrong']);
  assert.deepEqual(turnsOf(look('wrong'), down, look('proven'))[0], ['lost', undefined, 'mended']);
});

test('where no session can tell, mail that is asked about again heals what mail has shown, and only that', () => {
  const asked = look('not-proven', true);
  assert.deepEqual(turnsOf(look('wrong', true), asked), [['lost', 'mended'], 'not-proven']);
  assert.deepEqual(turnsOf(look('wrong'), asked), [['lost', undefined], 'wrong']);
});

test('a state is as old as its first look', () => {
  const first = turnOf(undefined, place, look('wrong'), 10).kept;
  const second = turnOf(first, place, look('wrong'), 20).kept;
  assert.deepEqual([second.since, second.lookedAt], [10, 20]);
});
