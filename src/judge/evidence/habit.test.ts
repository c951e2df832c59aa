import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { draftEvent } from '../../model/event.ts';
import { createHabits, isTelling } from './habit.ts';

const of = (helo: string | undefined, sender: string | undefined): readonly string[] =>
  createHabits()({ ...draftEvent(0, 'exim', 'recipient'), helo, sender });

test('rows', () => {
  assert.deepEqual(of('ylmf-pc', ''), ['EHLO ylmf-pc', 'from <>']);
  assert.deepEqual(of('WIN-7F3KQ2', 'a1@Spam17.example.'), ['EHLO win-#f#kq#', 'from <@spam#.example>']);
  assert.deepEqual(of('[203.0.113.7]', undefined), ['EHLO [address]']);
  assert.deepEqual(of('deadbeef01.example', undefined), ['EHLO h.example']);
  assert.deepEqual(of(undefined, undefined), []);
  assert.deepEqual(of('', undefined), []);
});

test('one program, one habit, whatever it counts; what everybody says tells nobody apart', () => {
  const names = fc.tuple(fc.nat(), fc.nat());
  fc.assert(
    fc.property(names, ([a, b]) => assert.deepEqual(of(`host-${a}.bot`, undefined), of(`host-${b}.bot`, undefined))),
  );
  assert.deepEqual(['EHLO ylmf-pc', 'EHLO localhost', 'from <>'].map(isTelling), [true, false, false]);
});

test('any text gives bounded habits', () => {
  fc.assert(fc.property(fc.string({ maxLength: 1000 }), (text) => of(text, text).every((habit) => habit.length < 120)));
});

test('a template is the name with its numbers and its long hexadecimal words taken out, whatever it holds', () => {
  const letters = fc.constantFrom(...'0123456789abcdefABCDEF#g-. Ä'.split(''));
  const habitsOf = createHabits();
  fc.assert(
    fc.property(fc.string({ unit: letters, minLength: 1, maxLength: 120 }), (name) => {
      const helo = `x ${name}`;
      const lower = helo.slice(0, 100).toLowerCase();
      const expected = lower.replaceAll(/[0-9]+/g, '#').replaceAll(/[#a-f]{8,}/g, 'h');
      const [habit] = habitsOf({ ...draftEvent(0, 'postfix', 'recipient'), helo });
      assert.equal(habit, `EHLO ${expected}`);
    }),
  );
});
