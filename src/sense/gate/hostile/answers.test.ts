import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaignOf, createAnswers, habitOf } from './answers.ts';

const second = 1000;

/** An attacker with many addresses, met again and again: after which answer it takes a new one. */
const play = (rotatesAt: 'drop' | 'hold', sessions: number) => {
  const answers = createAnswers();
  const given = { hold: 0, drop: 0 };
  let address = 0;
  for (let at = 0; at < sessions; at++) {
    const time = at * 10 * second;
    const client = `203.${address >> 8}.${address & 255}.9`;
    const { answer, ended } = answers.choose('harvest lab.test', client, time, 'EHLO name');
    given[answer]++;
    ended(time + (answer === 'hold' && rotatesAt === 'drop' ? 60 * second : second));
    if (answer === rotatesAt) address++;
  }
  return { given, report: answers.report() };
};

test('who changes its address when it is sent away is held; who changes it when it is held is sent away', () => {
  for (const [rotatesAt, kept] of [
    ['drop', 'hold'],
    ['hold', 'drop'],
  ] as const) {
    const { given, report } = play(rotatesAt, 200);
    assert.ok(given[kept] >= 180, `${rotatesAt}: ${JSON.stringify(given)}`);
    assert.ok(given[rotatesAt] >= 5, 'the other answer was tried');
    assert.deepEqual(
      report.map((arm) => arm.kept),
      [kept],
    );
  }
  const [report] = play('drop', 200).report;
  assert.ok(report !== undefined && report.hold.seconds > 100 * report.drop.seconds, 'the seconds it was bound');
});

test('an attacker that changes nothing is held, and campaigns learn apart', () => {
  const answers = createAnswers();
  for (let at = 0; at < 100; at++) answers.choose('relay', '203.0.113.7', at * second, undefined);
  for (let at = 0; at < 100; at++) answers.choose('harvest lab.test', `203.0.${at}.7`, at * 120 * second, undefined);
  assert.deepEqual(
    answers
      .report()
      .map(({ campaign, kept, hold, drop }) => [campaign, kept, hold.clients > drop.clients, hold.followed]),
    [
      ['relay', 'hold', true, 0],
      ['harvest lab.test', 'hold', true, 0],
    ],
  );
});

type Crowd = {
  readonly campaign: string;
  readonly habit: string;
  readonly rotatesAt: 'drop' | 'hold';
  readonly attackers: number;
};

/** Crowds side by side: who is held stays for two minutes, unless it is what drives him away; all come back within seconds. */
const playTogether = (crowds: readonly Crowd[], sessions: number) => {
  const answers = createAnswers();
  let addresses = 0;
  const attackers = crowds.flatMap((crowd, of) =>
    Array.from({ length: crowd.attackers }, (_, at) => ({
      ...crowd,
      of,
      address: ++addresses,
      at: (at * 7919) % 3000,
    })),
  );
  type Left = { readonly time: number; readonly tell: () => void };
  const leaving: Left[] = [];
  /** Of the second half, when something can have been learned: how often each crowd had what serves. */
  const right = crowds.map(() => ({ right: 0, all: 0 }));
  for (let session = 0; session < sessions; session++) {
    const next = attackers.reduce((soonest, one) => (one.at < soonest.at ? one : soonest));
    for (const { time, tell } of leaving.toSorted((a, b) => a.time - b.time)) if (time <= next.at) tell();
    leaving.splice(0, Infinity, ...leaving.filter(({ time }) => time > next.at));
    const client = `10.${next.address >> 16}.${(next.address >> 8) & 255}.${next.address & 255}`;
    const { answer, ended } = answers.choose(next.campaign, client, next.at, next.habit);
    const isWrong = answer === next.rotatesAt;
    const tally = right[next.of];
    if (session > sessions / 2 && tally !== undefined) {
      tally.all++;
      if (!isWrong) tally.right++;
    }
    const until = next.at + (answer === 'hold' && !isWrong ? 120 : 1) * second;
    leaving.push({ time: until, tell: () => ended(until) });
    if (isWrong) next.address = ++addresses;
    next.at = until + second + ((session * 31) % 700);
  }
  return right;
};

test('crowds that come at once are told apart, by whose session has ended and by how they greet', () => {
  const harvest = { campaign: 'harvest lab.test', habit: 'EHLO name', attackers: 20 };
  for (const crowds of [
    [{ ...harvest, rotatesAt: 'drop' }],
    [{ ...harvest, rotatesAt: 'hold' }],
    [
      { ...harvest, rotatesAt: 'drop' },
      { ...harvest, campaign: 'relay', rotatesAt: 'hold' },
    ],
    // The same attack on the same domain, by two programs.
    [
      { ...harvest, rotatesAt: 'drop' },
      { ...harvest, habit: 'HELO word', rotatesAt: 'hold' },
    ],
    [
      { ...harvest, rotatesAt: 'drop', attackers: 40 },
      { ...harvest, habit: 'HELO word', rotatesAt: 'hold', attackers: 5 },
      { ...harvest, habit: 'EHLO literal', rotatesAt: 'drop', attackers: 5 },
    ],
  ] as const) {
    for (const [at, { right, all }] of playTogether(crowds, 4000).entries()) {
      assert.ok(all > 20, 'it was seen');

      assert.ok(right / all > 0.85, `crowd ${at + 1} of ${crowds.length}: ${right} of ${all}`);
    }
  }
});

test('a flood of campaigns and of addresses is bounded', () => {
  const answers = createAnswers();
  for (let at = 0; at < 30_000; at++)
    answers.choose(`harvest d${at % 3000}.test`, `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`, at, undefined);
  assert.equal(answers.report().length, 1000);
});

test('how a program greets, whatever name it makes up', () => {
  const own = (name: string): boolean => name === 'lab.test';
  const rows = [
    [undefined, undefined],
    ['[203.0.113.7]', 'EHLO [address]'],
    ['203.0.113.7', 'EHLO address'],
    ['2001:db8::1', 'EHLO address'],
    ['LAB.test', 'EHLO our name'],
    ['x7f.example.org', 'EHLO name'],
    ['ylmf-pc', 'EHLO word'],
  ] as const;
  for (const [helo, habit] of rows) assert.equal(habitOf(helo, true, own), habit);
  assert.equal(habitOf('User', false, own), 'HELO word');
});

test('a campaign is named by what weighs most', () => {
  const term = (detector: string, score: number) => ({ detector, subject: 'x', score, threshold: 11.5 });
  assert.equal(campaignOf([term('protocol-abuse', 3), term('harvest', 12)], 'lab.test'), 'harvest lab.test');
  assert.equal(campaignOf([], ''), 'hostile');
});
