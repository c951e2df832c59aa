/** The records that every detector is built from: their numbers, their bounds, their behaviour at the limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dice } from '../../../test/judge/site.ts';
import * as fc from 'fast-check';
import { byPair } from './by-pair.ts';
import { addToBlock, isAlarmed } from './contact-blocks.ts';
import { shifts } from './count-shift.ts';
import { createCounts } from './counts.ts';
import { decayed } from './decay.ts';
import { addPartner, readDistinct } from './distinct.ts';
import { createFirstContacts } from './first-contacts.ts';
import { hashInto } from './hash.ts';
import { exceeds } from './rate.ts';
import { addContact, readRatio, readScore } from './ratio-test.ts';
import { createTable, shapes } from './table.ts';

const now = 1_795_000_000;
const day = 86_400;
const limits = { floor: -8, floorEstablished: -20 };
const tableOf = (sets: number) => createTable(new SharedArrayBuffer(sets * 448), sets * 448, 7);

test('decay halves, and never grows when a clock jumps back', () => {
  assert.equal(decayed(8, day, day), 4);
  assert.equal(decayed(8, 0, day), 8);
  assert.equal(decayed(8, -day, day), 8);
});

test('a clock that was weeks ahead and goes right again holds nothing up for weeks', () => {
  const table = tableOf(64);
  const wrong = now + 29 * day;
  const allowance = { perHour: 60, burst: 10 };
  for (let i = 0; i < 10; i++) exceeds(table, 1, 'rate', wrong, allowance);
  for (let hour = 0; hour < 48; hour++)
    assert.equal(exceeds(table, 1, 'rate', now + hour * 3600, allowance), hour === 0, `at hour ${hour}`);
  addContact(table, 2, 'ratio', wrong, 8, limits);
  addContact(table, 2, 'ratio', now, 2, limits);
  assert.equal(readScore(table, 2, 'ratio', now + day), 5);
  for (let i = 0; i < 10; i++) addPartner(table, 3, 'distinct', wrong, `before ${i}`, day);
  assert.equal(addPartner(table, 3, 'distinct', now, 'one', day), 1);
  for (let days = 0; days < 12; days++)
    for (let i = 0; i < 10; i++) addContact(table, 4, 'good', now + days * day, -1, limits);
  const then = now + 12 * day;
  addContact(table, 4, 'good', then + 29 * day, -1, limits);
  for (let days = 0; days < 10; days++) addContact(table, 4, 'good', then + days * day, -1, limits);
  assert.ok(readRatio(table, 4, 'good', then + 9 * day).established);
  const shiftTags = { target: 5, hour: 6 };
  let rang = 0;
  for (let at = now - 10 * day; at < now; at += 1800) if (shifts(table, shiftTags, 'count', at)) rang++;
  shifts(table, shiftTags, 'count', wrong);
  for (let at = now; at < wrong + day; at += 1800) if (shifts(table, shiftTags, 'count', at)) rang++;
  assert.equal(rang, 0, 'all of a month is not one bin');
});

test('hashes differ by text, salt and seed, and spread', () => {
  const hash = { low: 0, high: 0 };
  const of = (seed: number, tag: number, text: string): string => {
    hashInto(hash, seed, tag, text);
    return `${hash.low} ${hash.high}`;
  };
  assert.equal(of(1, 2, 'x'), of(1, 2, 'x'));
  assert.equal(new Set([of(1, 2, 'x'), of(2, 2, 'x'), of(1, 3, 'x'), of(1, 2, 'y'), of(1, 2, '')]).size, 5);
  const buckets = Array.from({ length: 64 }, () => 0);
  for (let i = 0; i < 64_000; i++) {
    hashInto(hash, 9, 1, `10.0.${i >> 8}.${i & 255}`);
    buckets[hash.low >>> 26] = (buckets[hash.low >>> 26] ?? 0) + 1;
  }
  for (const count of buckets) assert.ok(count > 800 && count < 1200, `${count} of 1000`);
});

test('two views of one memory see the same records', () => {
  const buffer = new SharedArrayBuffer(4096);
  const writer = createTable(buffer, 4096, 3);
  const reader = createTable(buffer, 4096, 3);
  addContact(writer, 1, '192.0.2.1', now, 2.77, limits);
  assert.ok(Math.abs(readScore(reader, 1, '192.0.2.1', now) - 2.77) < 1e-6);
  assert.equal(reader.find(2, '192.0.2.1'), -1);
});

test('a flood of subjects cannot push out a guarded record, and a set full of them takes no more', () => {
  const table = tableOf(64);
  const at = table.place(1, 'proven', shapes.guarded, now);
  table.words[at + 4] = now + day;
  for (let i = 0; i < 300_000; i++) table.place(2, `flood ${i}`, shapes.plain, now);
  assert.equal(table.find(1, 'proven'), at);
  assert.ok(table.fill() > 0.99);
  const small = tableOf(1);
  for (let i = 0; i < 16; i++) {
    const place = small.place(1, `proven ${i}`, shapes.guarded, now);
    small.words[place + 4] = now + day;
  }
  assert.equal(small.place(1, 'late', shapes.plain, now), -1);
  assert.equal(addContact(small, 1, 'late', now, 5, limits), 0, 'a safe miss');
  assert.notEqual(small.place(1, 'later', shapes.plain, now + 2 * day), -1, 'until the guard is over');
});

test('the least telling record of a half set makes room', () => {
  const names = Array.from({ length: 16 }, (_, i) => `c${i}`);
  const goneFor = (newcomer: string): string[] => {
    const table = tableOf(1);
    for (const [i, name] of names.entries()) addContact(table, 1, name, now, i === 3 || i === 12 ? 0.1 : 5, limits);
    table.place(1, newcomer, shapes.plain, now);
    return names.filter((name) => table.find(1, name) < 0);
  };
  const gone = new Set(Array.from({ length: 20 }, (_, i) => goneFor(`new ${i}`).join(' ')));
  assert.deepEqual([...gone].toSorted(), ['c12', 'c3']);
});

test('a buffer too small for one set is refused', () => {
  assert.throws(() => createTable(new ArrayBuffer(447), 447, 1), RangeError);
  assert.throws(() => createFirstContacts(new ArrayBuffer(31), 0, 1), RangeError);
});

test('ratio test: five unknown convict, credit has a floor, debt halves in a day', () => {
  const table = tableOf(64);
  let score = 0;
  for (let i = 0; i < 5; i++) score = addContact(table, 1, 'a', now, 2.77, limits);
  assert.ok(score > 11.5 && score < 14);
  assert.ok(Math.abs(readScore(table, 1, 'a', now + day) - score / 2) < 1e-4);
  for (let i = 0; i < 50; i++) addContact(table, 1, 'b', now, -1.56, limits);
  assert.equal(readScore(table, 1, 'b', now), -8);
  let bad = 0;
  while (addContact(table, 1, 'b', now, 2.77, limits) < 11.5) bad++;
  assert.equal(bad + 1, 8, 'from full credit eight unknown convict');
  for (let i = 0; i < 1000; i++) addContact(table, 1, 'c', now, 2.77, limits);
  assert.equal(readScore(table, 1, 'c', now), 25, 'no score lasts for ever');
  assert.equal(readRatio(table, 1, 'c', now).bad, 1000);
  assert.equal(readScore(table, 1, 'c', now - 10 * day), 25, 'a clock that jumps back decays nothing');
});

test('ratio test: a hundred good contacts on ten days establish, and a month of silence ends it', () => {
  const table = tableOf(64);
  for (let i = 0; i < 100; i++) addContact(table, 1, 'a', now + Math.floor(i / 10) * day, -1.56, limits);
  const last = now + 9 * day;
  assert.ok(readRatio(table, 1, 'a', last).established);
  assert.ok(readRatio(table, 1, 'a', last).score < -8);
  assert.ok(!readRatio(table, 1, 'a', last + 31 * day).established);
  for (let i = 0; i < 100; i++) addContact(table, 1, 'b', now, -1.56, limits);
  assert.ok(!readRatio(table, 1, 'b', now).established, 'one day is no history');
});

test('rate: the bucket agrees with an exact one', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400), { minLength: 1, maxLength: 200 }), (gaps) => {
      const table = tableOf(4);
      const allowance = { perHour: 60, burst: 5 };
      let level = 0;
      let time = now;
      for (const gap of gaps) {
        time += gap;
        level = Math.max(0, level - gap / 60) + 1;
        const over = level > allowance.burst + 1e-4;
        const edge = Math.abs(level - allowance.burst) < 1e-3;
        const told = exceeds(table, 1, 'a', time, allowance);
        if (!edge) assert.equal(told, over, `level ${level}`);
        level = Math.min(level, allowance.burst + 1);
      }
    }),
  );
});

test('distinct: repeats count once, the error keeps to its bound, a window ends', () => {
  const windowSeconds = day;
  for (const [partners, error] of [
    [1, 0],
    [5, 1],
    [20, 5],
    [100, 25],
  ] as const) {
    const table = tableOf(4);
    let count = 0;
    for (let round = 0; round < 3; round++)
      for (let i = 0; i < partners; i++) count = addPartner(table, 1, 'a', now, `partner ${i}`, windowSeconds);
    assert.ok(Math.abs(count - partners) <= error, `${count} for ${partners}`);
    assert.equal(readDistinct(table, 1, 'a', now + 2 * day, windowSeconds), 0);
    assert.equal(addPartner(table, 1, 'a', now + 2 * day, 'again', windowSeconds), 1);
  }
  assert.equal(readDistinct(tableOf(4), 1, 'nobody', now, windowSeconds), 0);
});

test('first contacts: first once in so many days, around the turn of the day counter, bounded under a flood', () => {
  for (const start of [now, 127 * day, 128 * day, 255 * day + day - 1]) {
    const firsts = createFirstContacts(new ArrayBuffer(1 << 20), 0, 5);
    assert.ok(firsts.isFirst(1, 'pair', start, 7));
    assert.ok(firsts.isFirst(1, 'one', start, 7, 'other'));
    assert.ok(!firsts.isFirst(1, 'one other', start, 7), 'a pair is what a space divides');
    assert.ok(!firsts.isFirst(1, 'pair', start + 7 * day, 7));
    assert.ok(firsts.isFirst(1, 'pair', start + 15 * day, 7), 'it was renewed on day 7 and is older than a week now');
    assert.ok(firsts.isFirst(2, 'pair', start, 7), 'another kind of pair');
    assert.ok(!firsts.isFirst(1, 'pair', start + 14 * day, 7), 'a clock that jumps back makes nothing new');
  }
  const small = createFirstContacts(new ArrayBuffer(64 * 1024), 0, 5);
  let first = 0;
  for (let i = 0; i < 200_000; i++) if (small.isFirst(1, `pair ${i}`, now, 7)) first++;
  assert.ok(first > 199_000, `${first}`);
});

test('contact blocks: an alarm after one block of bad ones, none at the usual share, and it ends', () => {
  const attacked = tableOf(4);
  let contacts = 0;
  for (let alarmed = false; !alarmed; contacts++) alarmed = addToBlock(attacked, 1, 'lab.test', now + contacts, true);
  assert.equal(contacts, 20);
  assert.ok(isAlarmed(attacked, 1, 'lab.test', now + 3600));
  assert.ok(!isAlarmed(attacked, 1, 'lab.test', now + 7 * 3600));
  assert.ok(!isAlarmed(attacked, 1, 'other.test', now));
  let alarms = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const calm = tableOf(4);
    const next = dice(seed);
    for (let i = 0; i < 2000; i++) if (addToBlock(calm, 1, 'lab.test', now + i * 60, next() < 0.1)) alarms++;
  }
  assert.ok(alarms <= 2, `${alarms} false alarms in 40,000 contacts; 84,000 promised for one`);
});

test('counts: bounded, and who is busy survives a flood', () => {
  const counts = createCounts<{ n: number }>(1000, () => ({ n: 0 }));
  for (let i = 0; i < 50_000; i++) {
    counts.of(`one-shot ${i}`).n++;
    if (i % 100 === 0) counts.of('busy').n++;
  }
  assert.ok([...counts.entries()].length <= 2000);
  assert.equal(new Map(counts.entries()).get('busy')?.n, 500);
});

test('made-up names that were met once do not push out a score', () => {
  const table = tableOf(1);
  addContact(table, 1, 'attacker', now, 2.77, limits);
  for (let i = 0; i < 1000; i++) addPartner(table, 2, `name ${i}`, now, 'somebody', day);
  assert.ok(readScore(table, 1, 'attacker', now) > 2);
});

test('a flood of made-up targets leaves room: half-filled blocks are not guarded', () => {
  const table = tableOf(1);
  for (let i = 0; i < 100; i++) addToBlock(table, 1, `made-up ${i}`, now, true);
  assert.notEqual(table.place(2, 'newcomer', shapes.plain, now), -1);
});

/** Events of a Poisson process, seconds between them drawn by dice. */
const gap = (next: () => number, perDay: number): number => (-Math.log(1 - next()) * day) / perDay;

const shiftTags = { target: 1, hour: 2 };

test('a count that shifts raises the alarm soon, and the usual one does not in thirty days', () => {
  /** [usual a day, campaign: seconds between its probes, probes at most on the average] (DETECTION B.3). */
  const rows = [
    [36, 30, 25],
    [36, 300, 25],
    [500, 30, 70],
  ] as const;
  for (const [perDay, every, probesMax] of rows) {
    let alarms = 0;
    let probes = 0;
    const runs = 20;
    for (let seed = 1; seed <= runs; seed++) {
      const table = tableOf(64);
      const next = dice(seed * 7919);
      let time = now;
      for (let usual = time + gap(next, perDay); usual < now + 30 * day; usual += gap(next, perDay)) {
        time = Math.floor(usual);
        if (shifts(table, shiftTags, 'lab.test', time)) alarms++;
      }
      let usual = time + gap(next, perDay);
      for (let probe = 1; probe <= 500; probe++) {
        const at = time + probe * every;
        for (; usual < at; usual += gap(next, perDay)) shifts(table, shiftTags, 'lab.test', Math.floor(usual));
        probes++;
        if (shifts(table, shiftTags, 'lab.test', at)) break;
      }
    }
    assert.ok(alarms <= 0.2 * runs, `${alarms} false alarms in ${runs} months at ${perDay} a day`);
    assert.ok(probes / runs <= probesMax, `${probes / runs} probes at one in ${every} s among ${perDay} a day`);
  }
});

test('a map by two names answers as one by both of them joined', () => {
  const name = fc.constantFrom('a', 'b', 'c d', '');
  const step = fc.tuple(fc.constantFrom('set', 'set', 'set', 'delete', 'clear'), name, name, fc.nat());
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const pairs = byPair<string, number>();
      const model = new Map<string, number>();
      for (const [what, first, second, value] of steps) {
        const key = JSON.stringify([first, second]);
        if (what === 'clear') {
          pairs.clear();
          model.clear();
        } else if (what === 'set') {
          pairs.set(first, second, value);
          model.set(key, value);
        } else {
          pairs.delete(first, second);
          model.delete(key);
        }
        assert.equal(pairs.get(first, second), model.get(key));
        assert.equal(pairs.size(), model.size);
      }
    }),
  );
});
