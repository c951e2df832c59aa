/** What an attacker may write into a log or send to a hook: nothing of it may stop the judge, blind it or accuse the innocent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fact } from '../../test/judge/site.ts';
import * as fc from 'fast-check';
import type { Event, EventKind } from '../model/event.ts';
import type { Question } from '../model/question.ts';
import type { Accusation } from './detectors/detector.ts';
import { createIncidents } from './incidents.ts';
import type { IncidentStore } from './incidents.ts';
import { createJudge } from './judge.ts';
import { createMemory, memoryBytesMin } from './memory.ts';
import { defaultJudgeSettings } from './settings.ts';
import { createAsk } from './verdict.ts';

const start = Date.UTC(2026, 10, 21);
const hour = 3_600_000;
const day = 24 * hour;

const court = (bytes = memoryBytesMin) => {
  const memory = createMemory(new SharedArrayBuffer(bytes), 7);
  return {
    judge: createJudge(memory, defaultJudgeSettings),
    ask: createAsk(memory.table, defaultJudgeSettings),
    memory,
  };
};
const unknown = (time: number, client: string, recipient: string): Event =>
  fact(time, 'recipient', { outcome: 'unknown', client, recipient, sender: 's@remote.test' });
const question = (time: number, client: string): Question => ({
  time,
  server: 'postfix',
  stage: 'recipient',
  client,
  helo: undefined,
  account: undefined,
  sender: 's@remote.test',
  recipient: 'alice@lab.test',
});

const kinds: readonly EventKind[] = [
  'connect',
  'early-talk',
  'helo',
  'auth',
  'sender',
  'recipient',
  'command-error',
  'limit',
  'message',
  'delivery',
  'queue',
];
const outcomes = ['success', 'failure', 'accepted', 'unknown', 'relay-denied', 'deferred', 'sent', 'bounced'] as const;
const reasons = ['unknown-account', 'non-smtp', 'pipelining', 'concurrency', 'bounce', 'policy', undefined] as const;
const texts = fc.oneof(
  fc.constantFrom(undefined, '', '__proto__', 'constructor', '\0', '@', 'a@', '@b', '<>', 'a@b.test', '\xff\n\r'),
  fc.string(),
  fc.constant('x'.repeat(100_000)),
);
const clients = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom(undefined, '', ':', '.', '__proto__', '192.0.2.1'));
const times = fc.oneof(
  fc.integer({ min: start, max: start + 10 * day }),
  fc.constantFrom(Number.NaN, -1, 0, Infinity, start - 365 * day, start + 3650 * day, 2 ** 53),
);
const events: fc.Arbitrary<Event> = fc
  .record({
    time: times,
    kind: fc.constantFrom(...kinds),
    outcome: fc.constantFrom(...outcomes, undefined),
    reason: fc.constantFrom(...reasons),
    client: clients,
    account: texts,
    sender: texts,
    recipient: texts,
    origin: texts,
    user: texts,
    password: texts,
    dsn: fc.constantFrom('5.1.1', '5.7.1', '', undefined),
    remote: fc.constantFrom(true, false, undefined),
    count: fc.oneof(fc.constantFrom(undefined, 0, -1, Number.NaN, Infinity), fc.nat()),
  })
  .map(({ time, kind, ...fields }) => fact(time, kind, fields));

test('whatever is told, the judge neither throws nor fails to report', () => {
  let told = 0;
  fc.assert(
    fc.property(fc.array(events, { minLength: 20, maxLength: 60 }), (stream) => {
      const { judge, ask } = court();
      for (const event of stream) {
        judge.tell(event);
        ask({ ...question(event.time, event.client ?? ''), recipient: event.recipient, account: event.account });
        told++;
      }
      const text = JSON.stringify(judge.report());
      assert.ok(!/:(NaN|Infinity)/.test(text) && !text.includes('"opened":null') && !text.includes('"events":null'));
    }),
    { numRuns: 150 },
  );
  assert.ok(told > 1000);
});

test('one line with a wrong clock, ten years ahead or a year back, changes no judgement of the lines after it', () => {
  for (const skew of [3650 * day, -365 * day]) {
    const { judge, ask } = court();
    for (let i = 0; i < 3; i++) judge.tell(unknown(start + i, '203.0.113.7', `a${i}@lab.test`));
    judge.tell(unknown(start + skew, '198.51.100.1', 'odd@lab.test'));
    for (let i = 3; i < 5; i++) judge.tell(unknown(start + i, '203.0.113.7', `a${i}@lab.test`));
    const incidents = judge.report().incidents;
    assert.deepEqual(
      incidents.map(({ attack, actors }) => [attack, actors.map(({ value }) => value)]),
      [['dictionary', ['203.0.113.7']]],
    );
    assert.equal(incidents[0]?.closed, undefined);
    assert.equal(ask(question(start + 10, '203.0.113.7')).kind, 'reject');
    assert.equal(ask(question(start + day / 2, '203.0.113.7')).kind, 'drop', 'debt decays as ever');
  }
});

test('a flood of names leaves what is known of a good client and of an attacker where it was', () => {
  const { judge, ask } = court();
  judge.tell(fact(start, 'auth', { outcome: 'success', client: '198.51.100.1', account: 'anna' }));
  for (let i = 0; i < 5; i++) judge.tell(unknown(start + i, '203.0.113.7', `a${i}@lab.test`));
  for (let i = 0; i < 150_000; i++)
    judge.tell(unknown(start + i, `${20 + (i % 100)}.${(i >> 8) & 255}.${i & 255}.1`, `n${i}@d${i % 5000}.test`));
  assert.equal(judge.standingOf('203.0.113.7'), 'hostile');
  assert.equal(judge.standingOf('198.51.100.1'), 'unknown');
  assert.equal(ask(question(start + 151_000, '198.51.100.1')).kind, 'accept');
  const { incidents, offenders, domains } = judge.report();
  assert.ok(
    incidents.length > 0 && incidents.every(({ actors }) => actors.every(({ value }) => value !== '198.51.100.1')),
  );
  assert.ok(offenders.length <= 200_000 && domains.length <= 40_000);
});

const crowdsOf50k = 14;
const actorsMax = 500_000;

/** @param play what happens at each of 14 accounts after 50,000 clients have failed there */
const incidentsOfCrowds = (
  stepMs: number,
  play: (incidents: IncidentStore, accusation: Accusation, time: number) => void,
): IncidentStore => {
  const wiring = { isGood: () => false, isProtected: () => false, announce: () => undefined, restored: [] };
  const incidents = createIncidents(wiring);
  for (let at = 0; at < crowdsOf50k; at++) {
    const about = { attack: 'password-guessing', target: { kind: 'account', value: `account${at}` } } as const;
    for (let i = 0; i < 50_000; i++) {
      const actor = { kind: 'client', value: `2001:db8:${at}:${i}::/64` } as const;
      incidents.note({ ...about, actor, detail: undefined, count: 'authFailures', events: 1 }, start + at * stepMs);
    }
    play(
      incidents,
      { ...about, detector: 'account-siege', actor: undefined, crowd: true, why: 'test' },
      start + at * stepMs,
    );
  }
  return incidents;
};

test('however many clients fail at however many accounts, half a million are kept one by one while nobody is accused', () => {
  const accusations: Accusation[] = [];
  const incidents = incidentsOfCrowds(hour, (store, accusation, time) => {
    accusations.push(accusation);
    store.sweep(time);
  });
  for (const accusation of accusations) incidents.accuse({ ...accusation, crowd: false }, start + crowdsOf50k * hour);
  const failures = incidents.list().reduce((sum, { counts }) => sum + (counts['authFailures'] ?? 0), 0);
  assert.ok(failures > 0 && failures <= actorsMax, `${failures}`);
});

test('however many incidents are over, half a million of their clients are kept one by one', () => {
  const incidents = incidentsOfCrowds(day, (store, accusation, time) => {
    store.accuse(accusation, time);
    store.sweep(time + day / 2);
  });
  const kept = incidents.list().reduce((sum, { actors }) => sum + actors.length, 0);
  assert.ok(kept > 0 && kept <= actorsMax, `${kept}`);
});
