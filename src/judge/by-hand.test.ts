import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../model/event.ts';
import type { Event } from '../model/event.ts';
import type { Incident } from '../model/report.ts';
import { isAllowed, isPaused, sayByHand } from './by-hand.ts';
import type { IncidentChange } from './incidents.ts';
import { createJudge } from './judge.ts';
import type { Conviction } from './judge.ts';
import { createMemory } from './memory.ts';
import { defaultJudgeSettings } from './settings.ts';
import { createAsk } from './verdict.ts';

const seconds = 1_790_000_000;
const client = '203.0.113.7';

const guess = (at: number): Event => ({
  ...draftEvent((seconds + at) * 1000, 'postfix', 'recipient'),
  outcome: 'unknown',
  client,
  sender: 's@remote.test',
  recipient: `guess${at}@lab.test`,
});

const scene = (restored: readonly Incident[] = []) => {
  const memory = createMemory(new SharedArrayBuffer(4 * 1024 * 1024), 7);
  const changes: IncidentChange[] = [];
  const convictions: Conviction[] = [];
  const judge = createJudge(memory, defaultJudgeSettings, {
    restored,
    announce: (change) => changes.push(change),
    convicted: (conviction) => convictions.push(conviction),
  });
  const ask = createAsk(memory.table, defaultJudgeSettings);
  const verdict = (at: number, from = client): string =>
    ask({
      time: (seconds + at) * 1000,
      server: 'postfix',
      stage: 'recipient',
      client: from,
      helo: undefined,
      account: undefined,
      sender: 's@remote.test',
      recipient: 'alice@lab.test',
    }).kind;
  const attack = (from: number, count: number): void => {
    for (let at = from; at < from + count; at++) judge.tell(guess(at));
  };
  return { memory, changes, convictions, attack, verdict };
};

test('a conviction is told once, with its incident, its detector and its end', () => {
  const { convictions, changes, attack } = scene();
  attack(0, 20);
  assert.equal(convictions.length, 1);
  const [conviction] = convictions;
  assert.equal(conviction?.client, client);
  assert.equal(conviction.detector, 'harvest');
  assert.equal(conviction.incident, changes[0]?.incident.id);
  assert.ok(conviction.until > (seconds + 3600) * 1000 && !conviction.everGood);
});

test('a pause makes every verdict an acceptance, and ends', () => {
  const { memory, attack, verdict } = scene();
  attack(0, 20);
  assert.equal(verdict(30), 'reject');
  sayByHand(
    memory.table,
    { pausedUntil: seconds + 100, allowed: new Map(), shutOut: new Map(), strictUntil: 0 },
    1,
    seconds,
  );
  assert.ok(isPaused(memory.table, seconds + 99) && !isPaused(memory.table, seconds + 100));
  assert.deepEqual([verdict(30), verdict(101)], ['accept', 'reject']);
});

test('who is allowed is let through, alone or with its network, until the end or until it is said otherwise', () => {
  const { memory, attack, verdict, convictions } = scene();
  attack(0, 20);
  const say = (epoch: number, ...allowed: readonly (readonly [string, number])[]): void =>
    sayByHand(
      memory.table,
      { pausedUntil: 0, allowed: new Map(allowed), shutOut: new Map(), strictUntil: 0 },
      epoch,
      seconds,
    );
  say(1, [client, seconds + 50]);
  assert.deepEqual([verdict(30), verdict(51)], ['accept', 'reject']);
  say(2, ['203.0.113.0/24', seconds + 500], ['2001:db8:1:2::/64', seconds + 500]);
  assert.equal(verdict(30), 'accept');
  assert.ok(isAllowed(memory.table, '2001:db8:1:2:3::4', seconds));
  assert.ok(!isAllowed(memory.table, '2001:db8:1:3::4', seconds));
  say(3);
  assert.equal(verdict(30), 'reject');
  assert.equal(convictions.length, 1);
});

test('an allowed client is accused, but never convicted', () => {
  const { memory, attack, convictions, changes, verdict } = scene();
  sayByHand(
    memory.table,
    { pausedUntil: 0, allowed: new Map([[client, seconds + 5000]]), shutOut: new Map(), strictUntil: 0 },
    1,
    seconds,
  );
  attack(0, 20);
  assert.equal(changes[0]?.change, 'opened');
  assert.deepEqual([convictions.length, verdict(30)], [0, 'accept']);
});

test('an incident that was open when the guard stopped goes on under its id, and nothing is announced', () => {
  const before = scene();
  before.attack(0, 20);
  const [opened] = before.changes;
  assert.equal(opened?.change, 'opened');
  const after = scene([opened.incident]);
  after.attack(100, 20);
  assert.deepEqual(
    after.changes.filter(({ change }) => change === 'opened'),
    [],
  );
  assert.equal(after.convictions[0]?.incident, opened.incident.id);
});

test('who is shut out is refused at login, from everywhere, in a pause too, until it is over', () => {
  const memory = createMemory(new SharedArrayBuffer(4 * 1024 * 1024), 7);
  const ask = createAsk(memory.table, defaultJudgeSettings);
  const answer = (account: string, at = 0): string => {
    const verdict = ask({
      time: (seconds + at) * 1000,
      server: 'postfix',
      stage: 'auth',
      client: '127.0.0.1',
      helo: undefined,
      account,
      sender: undefined,
      recipient: undefined,
    });
    return 'reply' in verdict ? verdict.reply.code : verdict.kind;
  };
  assert.equal(answer('anna@lab.test'), 'accept');
  const shutOut = new Map([['anna@lab.test', seconds + 100]]);
  sayByHand(memory.table, { pausedUntil: seconds + 100, allowed: new Map(), shutOut, strictUntil: 0 }, 1, seconds);
  assert.deepEqual([answer('Anna@lab.test'), answer('bob@lab.test')], ['535', 'accept']);
  assert.equal(answer('anna@lab.test', 100), 'accept');
});

test('in an emergency unknown clients come back, known ones are served, and it ends', () => {
  const { memory, verdict } = scene();
  sayByHand(
    memory.table,
    { pausedUntil: 0, allowed: new Map(), shutOut: new Map(), strictUntil: seconds + 100 },
    1,
    seconds,
  );
  assert.deepEqual([verdict(1), verdict(101)], ['defer', 'accept']);
  sayByHand(memory.table, { pausedUntil: 0, allowed: new Map(), shutOut: new Map(), strictUntil: 0 }, 2, seconds);
  assert.equal(verdict(2), 'accept');
});
