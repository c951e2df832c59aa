import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLookups } from './lookups.ts';
import type { DnsAnswer } from './resolver.ts';

const scene = (perMinuteMax = 100) => {
  const asked: string[] = [];
  let answer: DnsAnswer = { kind: 'found', values: ['192.0.2.1'], ttlSeconds: 60 };
  let time = 0;
  const lookups = createLookups(
    (name, type) => {
      asked.push(`${type} ${name}`);
      return Promise.resolve(answer);
    },
    perMinuteMax,
    () => time,
  );
  return {
    asked,
    lookups,
    answerWith: (next: DnsAnswer) => {
      answer = next;
    },
    pass: (ms: number) => {
      time += ms;
    },
  };
};

test('an answer holds as long as it says, yes and no; a question under way is asked once', async () => {
  const { asked, lookups, answerWith, pass } = scene();
  const three = await Promise.all([lookups('A.test', 'A'), lookups('a.test', 'A'), lookups('a.test', 'MX')]);
  assert.deepEqual(
    three.map(({ kind }) => kind),
    ['found', 'found', 'found'],
  );
  assert.deepEqual(asked, ['A a.test', 'MX a.test']);
  pass(59_000);
  await lookups('a.test', 'A');
  assert.equal(asked.length, 2);
  pass(2000);
  answerWith({ kind: 'none', name: false, ttlSeconds: 20 });
  assert.equal((await lookups('a.test', 'A')).kind, 'none');
  answerWith({ kind: 'found', values: ['x'], ttlSeconds: 9 });
  assert.equal((await lookups('a.test', 'A')).kind, 'none');
  pass(21_000);
  assert.equal((await lookups('a.test', 'A')).kind, 'found');
  assert.equal(asked.length, 4);
});

test('names that nobody answers for do not switch the checks off', async () => {
  const asked: string[] = [];
  const lookups = createLookups((name) => {
    asked.push(name);
    return Promise.resolve(name === '' ? { kind: 'none', name: true, ttlSeconds: 60 } : { kind: 'unknown' });
  }, 100);
  for (let at = 0; at < 20; at++) await lookups(`lame${at}.test`, 'MX');
  assert.equal(asked.filter((name) => name !== '').length, 20);
});

test('no more than so many a minute; what is remembered still answers', async () => {
  const { asked, lookups, pass } = scene(3);
  for (let at = 0; at < 10; at++) await lookups(`h${at}.test`, 'A');
  assert.equal(asked.length, 3);
  assert.equal((await lookups('h0.test', 'A')).kind, 'found');
  assert.equal((await lookups('h9.test', 'A')).kind, 'unknown');
  pass(60_000);
  assert.equal((await lookups('h9.test', 'A')).kind, 'found');
});

test('a resolver that fails is left alone, then tried with a question for which nobody waits', async () => {
  const { asked, lookups, answerWith, pass } = scene();
  answerWith({ kind: 'unknown' });
  for (let at = 0; at < 20; at++) assert.equal((await lookups(`h${at}.test`, 'A')).kind, 'unknown');
  assert.deepEqual(asked.slice(4), ['A h4.test', 'A '], 'and the root, to know who is at fault');
  pass(30_000);
  for (const name of ['x.test', 'y.test']) assert.equal((await lookups(name, 'A')).kind, 'unknown');
  assert.deepEqual(asked.slice(6), ['A '], 'the root alone is asked for again');
  pass(29_999);
  assert.equal((await lookups('x.test', 'A')).kind, 'unknown');
  assert.equal(asked.length, 7);
  pass(1);
  answerWith({ kind: 'none', name: true, ttlSeconds: undefined });
  assert.equal((await lookups('z.test', 'A')).kind, 'unknown');
  assert.equal((await lookups('z.test', 'A')).kind, 'none', 'it is well again');
  assert.deepEqual(asked.slice(7), ['A ', 'A z.test']);
});

test('however many questions fail at once, the root is asked for once', async () => {
  const asked: string[] = [];
  let fail = (): void => undefined;
  const failed = new Promise<DnsAnswer>((resolve) => {
    fail = () => resolve({ kind: 'unknown' });
  });
  const lookups = createLookups((name) => {
    asked.push(name);
    return name === '' ? new Promise(() => undefined) : failed;
  }, 1000);
  const answers = Array.from({ length: 250 }, (_, at) => lookups(`h${at}.test`, 'A'));
  fail();
  for (const answer of await Promise.all(answers)) assert.equal(answer.kind, 'unknown', 'and no answer waits for it');
  assert.deepEqual([asked.length, asked.filter((name) => name === '').length], [201, 1]);
});
