import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../model/event.ts';
import type { Event, EventDraft } from '../model/event.ts';
import { isDoubted } from './doubt.ts';
import type { Doubt } from './doubt.ts';
import { createJudge } from './judge.ts';
import { createMemory } from './memory.ts';
import { defaultJudgeSettings } from './settings.ts';
import { createAsk } from './verdict.ts';

const start = Date.UTC(2026, 10, 21) / 1000;
const event = (at: number, kind: Event['kind'], fill: (draft: EventDraft) => void): Event => {
  const draft = draftEvent((start + at) * 1000, 'dovecot', kind);
  fill(draft);
  return draft;
};
const scene = () => {
  const memory = createMemory(new SharedArrayBuffer(4 * 1024 * 1024), 1);
  const doubts: Doubt[] = [];
  const opened: string[] = [];
  const judge = createJudge(memory, defaultJudgeSettings, {
    doubted: (doubt) => doubts.push(doubt),
    announce: ({ change, incident }) => {
      if (change === 'opened') opened.push(incident.attack);
    },
  });
  const isRefused = (at: number, client: string): boolean =>
    createAsk(
      memory.table,
      defaultJudgeSettings,
    )({
      time: (start + at) * 1000,
      server: 'postfix',
      stage: 'recipient',
      client,
      helo: undefined,
      account: undefined,
      sender: 's@remote.test',
      recipient: 'alice@lab.test',
    }).kind !== 'accept';
  return { memory, doubts, opened, judge, isRefused };
};

const recipient = (at: number, client: string, helo: string, outcome: Event['outcome']): Event =>
  event(at, 'recipient', (draft) => {
    Object.assign(draft, { client, helo, outcome, sender: `s@${helo}`, recipient: `r${at}@lab.test` });
  });

test('one private address that stands for many is not acted on; the same from one host is an attack', () => {
  const { memory, doubts, judge, isRefused } = scene();
  for (let at = 0; at < 300; at++)
    judge.tell(recipient(at, '172.17.0.1', `host${at}.test`, at % 3 === 0 ? 'unknown' : 'accepted'));
  assert.deepEqual(
    doubts.map(({ kind }) => kind),
    ['one-address'],
  );
  assert.ok(isDoubted(memory.table, '172.17.0.1', start + 300));
  for (let at = 300; at < 400; at++) judge.tell(recipient(at, '172.17.0.1', `host${at}.test`, 'unknown'));
  assert.ok(!isRefused(400, '172.17.0.1'));

  const other = scene();
  for (let at = 0; at < 100; at++) other.judge.tell(recipient(at, '10.0.0.9', 'bot.test', 'unknown'));
  assert.deepEqual(other.doubts, []);
  assert.ok(other.isRefused(100, '10.0.0.9'), 'a guesser in the house is one');
});

test('a public address is never taken for a proxy', () => {
  const { doubts, judge, isRefused } = scene();
  for (let at = 0; at < 300; at++) judge.tell(recipient(at, '203.0.113.7', `host${at}.test`, 'unknown'));
  assert.deepEqual(doubts, []);
  assert.ok(isRefused(300, '203.0.113.7'));
});

const login = (at: number, client: string, account: string | undefined, success: boolean): Event =>
  event(at, 'auth', (draft) => {
    Object.assign(draft, { client, account, outcome: success ? 'success' : 'failure' });
    if (!success) draft.reason = 'bad-password';
  });

test('people who always log in fail together: failed logins are no evidence until somebody succeeds', () => {
  const { doubts, opened, judge, isRefused } = scene();
  const people = Array.from({ length: 8 }, (_, at) => [`198.51.${at}.9`, `user${at}@lab.test`] as const);
  people.forEach(([client, account], at) => judge.tell(login(at, client, account, true)));
  people.forEach(([client, account], at) => judge.tell(login(1000 + at, client, account, false)));
  // The office's new address, while nobody can log in.
  for (let at = 0; at < 40; at++) judge.tell(login(1100 + at, '203.0.113.7', `user${at}@lab.test`, false));
  assert.deepEqual(
    doubts.map(({ kind, isOver }) => [kind, isOver]),
    [['logins-down', false]],
  );
  assert.deepEqual(opened, []);
  assert.ok(!isRefused(1200, '203.0.113.7'));

  const [first] = people;
  assert.ok(first);
  judge.tell(login(1300, ...first, true));
  assert.equal(doubts.at(-1)?.isOver, true);
  for (let at = 0; at < 40; at++) judge.tell(login(1400 + at, '203.0.113.8', `user${at}@lab.test`, false));
  assert.ok(isRefused(1500, '203.0.113.8'), 'a guesser is one again');
});

test('guessing while people log in is no fault of the house', () => {
  const { doubts, judge } = scene();
  const people = Array.from({ length: 8 }, (_, at) => [`198.51.${at}.9`, `user${at}@lab.test`] as const);
  people.forEach(([client, account], at) => judge.tell(login(at, client, account, true)));
  people.forEach(([client, account], at) => {
    judge.tell(login(1000 + 10 * at, client, account, false));
    judge.tell(login(1001 + 10 * at, client, account, true));
  });
  assert.deepEqual(doubts, []);
});

test('an empty account name is no account', () => {
  const { judge } = scene();
  for (let at = 0; at < 20; at++) judge.tell(login(at, `198.51.${at}.9`, '', false));
  assert.deepEqual(judge.report().accounts, []);
});
