import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCampaigns } from './campaign.ts';
import { absorb, addActor, addDetail, addHabit, mainHabits, newEvidence } from './evidence.ts';
import type { Evidence } from './evidence.ts';
import { renderEvidence } from './render.ts';

const domain = (value: string) => ({ kind: 'recipient-domain', value }) as const;
const client = (value: string) => ({ kind: 'client', value }) as const;

const dictionary = (id: string, time: number): Evidence => newEvidence(id, 'dictionary', domain('lab.test'), time);

test('one attack that was filed under two targets becomes one, and nothing of either is lost', () => {
  const first = dictionary('A', 1000);
  const second = newEvidence('B', 'dictionary', domain('other.test'), 500);
  for (const [evidence, time] of [
    [first, 2000],
    [second, 600],
  ] as const) {
    evidence.events = 3;
    evidence.counts.set('unknownRecipients', 3);
    addActor(evidence, client('203.0.113.7'), time, 3);
    addDetail(evidence, { kind: 'recipient', value: 'info@lab.test' }, 2);
    addHabit(evidence, 'EHLO bot', 3);
  }
  absorb(first, second);
  const actor = first.actors.get('203.0.113.7');
  assert.deepEqual([first.opened, first.last, first.events], [500, 1000, 6]);
  assert.deepEqual([actor?.events, actor?.first, actor?.last], [6, 600, 2000]);
  assert.deepEqual([first.counts.get('unknownRecipients'), first.habits.get('EHLO bot')], [6, 6]);
  assert.deepEqual([first.details.get('info@lab.test')?.events, first.details.get('other.test')?.events], [4, 3]);
});

test('what is kept one by one is bounded, and what most of them say stands out', () => {
  const evidence = dictionary('A', 0);
  for (let i = 0; i < 60_000; i++) {
    evidence.events++;
    if (addActor(evidence, client(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`), i, 1) === undefined)
      evidence.actorsUncounted++;
    addDetail(evidence, { kind: 'recipient', value: `guess${i}@lab.test` }, 1);
    addHabit(evidence, i % 3 === 0 ? `EHLO one-of-many-${i}` : 'EHLO ylmf-pc', 1);
  }
  assert.equal(evidence.actors.size + evidence.actorsUncounted, 60_000);
  assert.ok(evidence.actors.size <= 50_000 && evidence.details.size <= 2000 && evidence.habits.size <= 256);
  assert.deepEqual(mainHabits(evidence), [{ value: 'EHLO ylmf-pc', events: 40_000 }]);
});

test('a campaign is known again by networks, by names or by habits, and by none of them it is another one', () => {
  const of = (id: string, net: number, word: string, habit: string, time: number): Evidence => {
    const evidence = dictionary(id, time);
    for (let i = 0; i < 40; i++) {
      evidence.events++;
      addActor(evidence, client(`${net}.${i}.0.9`), time, 1);
      addDetail(evidence, { kind: 'recipient', value: `${word}${i}@lab.test` }, 1);
      addHabit(evidence, habit, 1);
    }
    return evidence;
  };
  const campaigns = createCampaigns();
  campaigns.remember(of('A', 20, 'a', 'EHLO ylmf-pc', 0));
  const known = [of('B', 20, 'b', 'EHLO x', 9), of('C', 90, 'a', 'EHLO x', 9), of('D', 90, 'b', 'EHLO ylmf-pc', 9)];
  assert.deepEqual(known.map(campaigns.find), ['A', 'A', 'A']);
  assert.equal(campaigns.find(of('E', 90, 'b', 'EHLO x', 9)), undefined);
  assert.equal(campaigns.find(of('F', 90, 'b', 'EHLO ylmf-pc', 31 * 86_400_000)), undefined);
});

test('an incident counts its actors only, begins with the first of them, and blames nobody for bounces', () => {
  const evidence = dictionary('A', 100);
  evidence.counts.set('unknownRecipients', 9);
  evidence.events = 9;
  const members = [
    addActor(evidence, client('203.0.113.7'), 500, 2),
    addActor(evidence, client('203.0.113.8'), 400, 5),
  ].flatMap((actor) => actor ?? []);
  addActor(evidence, client('198.51.100.1'), 200, 2); // honest, with a stale address
  const { opened, actors, targets, counts, standing } = renderEvidence(evidence, members);
  assert.deepEqual(
    [opened, actors.map(({ value }) => value), targets[0]?.events],
    [400, ['203.0.113.8', '203.0.113.7'], 7],
  );
  assert.deepEqual([counts, standing], [{ unknownRecipients: 7 }, 'hostile']);
  const bounces = newEvidence('B', 'backscatter', domain('lab.test'), 100);
  bounces.events = 3;
  const nobody = renderEvidence(bounces, []);
  assert.deepEqual([nobody.standing, nobody.actors, nobody.targets[0]?.events], ['suspect', [], 3]);
});
