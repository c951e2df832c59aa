import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaignOf, createAnswers } from './answers.ts';

const second = 1000;

/** An attacker with many addresses, met again and again: after which answer it takes a new one. */
const play = (rotatesAt: 'drop' | 'hold', sessions: number) => {
  const answers = createAnswers();
  const given = { hold: 0, drop: 0 };
  let address = 0;
  for (let at = 0; at < sessions; at++) {
    const time = at * 10 * second;
    const client = `203.${address >> 8}.${address & 255}.9`;
    const { answer, ended } = answers.choose('harvest lab.test', client, time);
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
  for (let at = 0; at < 100; at++) answers.choose('relay', '203.0.113.7', at * second);
  for (let at = 0; at < 100; at++) answers.choose('harvest lab.test', `203.0.${at}.7`, at * 120 * second);
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

test('a flood of campaigns and of addresses is bounded', () => {
  const answers = createAnswers();
  for (let at = 0; at < 30_000; at++)
    answers.choose(`harvest d${at % 3000}.test`, `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`, at);
  assert.equal(answers.report().length, 1000);
});

test('a campaign is named by what weighs most', () => {
  const term = (detector: string, score: number) => ({ detector, subject: 'x', score, threshold: 11.5 });
  assert.equal(campaignOf([term('protocol-abuse', 3), term('harvest', 12)], 'lab.test'), 'harvest lab.test');
  assert.equal(campaignOf([], ''), 'hostile');
});
