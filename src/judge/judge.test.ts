import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dice, fact } from '../../test/judge/site.ts';
import type { Event, EventDraft } from '../model/event.ts';
import type { Question } from '../model/question.ts';
import type { Incident } from '../model/report.ts';
import { createJudge } from './judge.ts';
import type { IncidentChange } from './incidents.ts';
import { createMemory, memoryBytesMin } from './memory.ts';
import { defaultJudgeSettings } from './settings.ts';
import { createAsk } from './verdict.ts';

const start = Date.UTC(2026, 10, 21);
const minute = 60_000;
const hour = 60 * minute;

const unknown = (time: number, client: string, name: string, sender = 's@remote.test'): Event =>
  fact(time, 'recipient', { outcome: 'unknown', client, recipient: `${name}@lab.test`, sender, dsn: '5.1.1' });
const accepted = (time: number, client: string, name: string): Event =>
  fact(time, 'delivery', {
    outcome: 'sent',
    client,
    recipient: `${name}@lab.test`,
    sender: 's@remote.test',
    remote: false,
    dsn: '2.0.0',
  });
const failure = (time: number, client: string, account: string, fields: Partial<EventDraft> = {}): Event =>
  fact(time, 'auth', { outcome: 'failure', client, account, ...fields });
const success = (time: number, client: string, account: string): Event =>
  fact(time, 'auth', { outcome: 'success', client, account });

const question = (time: number, client: string, recipient: string, sender = 's@remote.test'): Question => ({
  time,
  server: 'postfix',
  stage: 'recipient',
  client,
  helo: 'client.test',
  account: undefined,
  sender,
  recipient,
});

const court = (settings = defaultJudgeSettings) => {
  const memory = createMemory(new SharedArrayBuffer(4 * memoryBytesMin), 7);
  const changes: IncidentChange[] = [];
  const judge = createJudge(memory, settings, { announce: (change) => changes.push(change) });
  return { judge, changes, ask: createAsk(memory.table, settings), memory };
};

test('a fresh client is convicted by its fifth unknown recipient, not by its fourth', () => {
  const { judge, ask } = court();
  for (let i = 0; i < 4; i++) judge.tell(unknown(start + i, '203.0.113.7', `name${i}`));
  assert.equal(judge.report().incidents.length, 0);
  judge.tell(unknown(start + 4, '203.0.113.7', 'name4'));
  const [incident] = judge.report().incidents;
  assert.equal(incident?.attack, 'dictionary');
  assert.equal(incident?.eventsBeforeRecognition, 5);
  assert.deepEqual(
    incident?.actors.map((actor) => actor.value),
    ['203.0.113.7'],
  );
  assert.deepEqual(incident?.targets[0], { kind: 'recipient-domain', value: 'lab.test', events: 5 });
  assert.equal(ask(question(start + 5, '203.0.113.7', 'alice@lab.test')).kind, 'reject');
  assert.equal(ask(question(start + 5, '203.0.113.8', 'alice@lab.test')).kind, 'accept');
});

test('what its neighbours did months ago, or one of them twice, is not held against a newcomer', () => {
  const { judge, ask } = court();
  const convict = (time: number, client: string): void => {
    for (let i = 0; i < 5; i++) judge.tell(unknown(time + i, client, `name${client}${time}${i}`));
    assert.equal(ask(question(time + 5, client, 'alice@lab.test')).kind, 'reject');
  };
  const kindAfterOne = (time: number, client: string): string => {
    judge.tell(unknown(time, client, 'typo'));
    return ask(question(time, client, 'alice@lab.test')).kind;
  };
  const day = 24 * hour;
  for (let days = 0; days < 3; days++) convict(start + days * day, '203.0.113.7');
  assert.equal(kindAfterOne(start + 3 * day, '203.0.113.20'), 'delay', 'one neighbour, however often');
  for (const last of [8, 9]) convict(start + 3 * day, `203.0.113.${last}`);
  assert.equal(kindAfterOne(start + 4 * day, '203.0.113.21'), 'drop', 'three neighbours');
  assert.equal(kindAfterOne(start + 60 * day, '203.0.113.22'), 'accept', 'all of it is long ago');
});

test('an alias of ours with a dead target is no fault of those who write to it', () => {
  const { judge } = court();
  const bounced = (time: number, origin: string, recipient: string): Event =>
    fact(time, 'delivery', {
      outcome: 'bounced',
      dsn: '5.1.1',
      client: '203.0.113.7',
      sender: 's@remote.test',
      remote: false,
      recipient,
      origin,
    });
  for (let i = 0; i < 10; i++) judge.tell(bounced(start + i, `team${i}@lab.test`, 'leaver@lab.test'));
  assert.equal(judge.standingOf('203.0.113.7'), 'unknown');
  // A domain that is another name of ours: the name itself is asked for.
  for (let i = 0; i < 5; i++) judge.tell(bounced(start + i, `name${i}@old.test`, `name${i}@lab.test`));
  assert.equal(judge.standingOf('203.0.113.7'), 'hostile');
});

test('the same unknown recipient again and again is one contact', () => {
  const { judge } = court();
  for (let i = 0; i < 50; i++) judge.tell(unknown(start + i * minute, '203.0.113.7', 'typo'));
  assert.equal(judge.standingOf('203.0.113.7'), 'unknown');
});

test('the answers harden step by step: delay, 4xx, 421, 554', () => {
  const { judge, ask } = court();
  const kinds: string[] = [];
  for (let i = 0; i < 5; i++) {
    judge.tell(unknown(start + i, '203.0.113.7', `name${i}`));
    kinds.push(ask(question(start + i, '203.0.113.7', 'alice@lab.test')).kind);
  }
  assert.deepEqual(kinds, ['accept', 'delay', 'defer', 'drop', 'reject']);
});

test('list servers with 5 % stale addresses are never convicted', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const { judge, ask } = court();
    const next = dice(seed);
    let seen = 0;
    for (let i = 0; i < 1000; i++) {
      const time = start + i * 1000;
      judge.tell(
        next() < 0.05 ? unknown(time, '198.51.100.20', `member${i}`) : accepted(time, '198.51.100.20', `member${i}`),
      );
      const { kind } = ask(question(time, '198.51.100.20', 'alice@lab.test'));
      assert.ok(kind === 'accept' || kind === 'delay', `seed ${seed}: ${kind} at recipient ${i}`);
      seen++;
    }
    assert.equal(seen, 1000);
    assert.deepEqual(judge.report().incidents, []);
  }
});

test('a server that returns forged bounces is innocent; the flooded address is the incident, without actors', () => {
  const { judge, ask } = court();
  for (let i = 0; i < 60; i++) judge.tell(unknown(start + i * 1000, '192.0.2.10', `forged${i % 40}`, ''));
  for (let i = 0; i < 60; i++)
    judge.tell(
      fact(start + hour + i * 1000, 'delivery', {
        outcome: 'sent',
        client: `192.0.2.${i}`,
        recipient: 'alice@lab.test',
        sender: '',
        remote: false,
      }),
    );
  assert.equal(judge.standingOf('192.0.2.10'), 'unknown');
  assert.equal(ask(question(start + 2 * hour, '192.0.2.10', 'bob@lab.test')).kind, 'accept');
  const incidents = judge.report().incidents;
  assert.deepEqual(
    incidents.map((incident) => incident.attack),
    ['backscatter'],
  );
  assert.deepEqual(incidents[0]?.actors, []);
  assert.equal(ask(question(start + 2 * hour, '192.0.2.77', 'alice@lab.test', '')).kind, 'defer');
});

test('a campaign of one-shot clients is recognised after 20 newcomers, as one incident with all of them', () => {
  const { judge, ask, changes } = court();
  let recognisedAfter = 0;
  for (let i = 0; i < 3000; i++) {
    const client = `${20 + (i % 200)}.${i >> 8}.${i & 255}.9`;
    judge.tell(unknown(start + i * 3760, client, `guess${i}`));
    if (recognisedAfter === 0 && changes.length > 0) recognisedAfter = i + 1;
  }
  assert.ok(recognisedAfter > 0 && recognisedAfter <= 25, `recognised after ${recognisedAfter}`);
  const incidents = judge.report().incidents;
  assert.equal(incidents.length, 1);
  assert.equal(incidents[0]?.actorCount, 3000);
  assert.equal(incidents[0]?.distributed, true);
  const now = start + 3000 * 3760;
  assert.equal(ask(question(now, '9.9.9.9', 'alice@lab.test')).kind, 'defer');
  assert.equal(ask(question(now, '9.9.9.9', 'alice@other.test')).kind, 'accept');
});

test('during a campaign a known-good client passes, and a newcomer that retries after five minutes passes', () => {
  const { judge, ask } = court();
  judge.tell(accepted(start, '198.51.100.1', 'alice'));
  for (let i = 0; i < 40; i++) judge.tell(unknown(start + minute + i, `20.${i}.1.9`, `guess${i}`));
  const now = start + 2 * minute;
  assert.equal(ask(question(now, '198.51.100.1', 'bob@lab.test')).kind, 'accept');
  assert.equal(ask(question(now, '192.0.2.1', 'bob@lab.test')).kind, 'defer');
  judge.tell(
    fact(now, 'recipient', {
      outcome: 'deferred',
      client: '192.0.2.1',
      recipient: 'bob@lab.test',
      sender: 's@remote.test',
    }),
  );
  assert.equal(ask(question(now + minute, '192.0.2.1', 'bob@lab.test')).kind, 'defer');
  assert.equal(ask(question(now + 6 * minute, '192.0.2.1', 'bob@lab.test')).kind, 'accept');
});

test('a phone with an old password is never suspect, at home or roaming through its provider', () => {
  const { judge, ask } = court();
  for (let i = 0; i < 500; i++) judge.tell(failure(start + i * minute, `198.18.${i % 12}.7`, 'anna@lab.test'));
  assert.deepEqual(judge.report().incidents, []);
  assert.equal(ask(question(start + 500 * minute, '198.18.1.7', 'bob@lab.test')).kind, 'accept');
});

test('one try of a name that never logs in, three accounts that do not exist, or six that do, convict a guesser', () => {
  const { judge } = court();
  judge.tell(failure(start, '203.0.113.8', 'admin', { reason: 'never-logs-in' }));
  assert.equal(judge.standingOf('203.0.113.8'), 'hostile');
  for (let i = 0; i < 3; i++) judge.tell(failure(start + i, '203.0.113.9', `ghost${i}`, { reason: 'unknown-account' }));
  assert.equal(judge.standingOf('203.0.113.9'), 'hostile');
  for (let i = 0; i < 6; i++) judge.tell(failure(start + i, '203.0.113.10', `user${i}`, { reason: 'bad-password' }));
  assert.equal(judge.standingOf('203.0.113.10'), 'hostile');
});

test('one account tried from many networks steps up: its owner still gets in', () => {
  const { judge, ask } = court();
  judge.tell(success(start, '198.51.100.4', 'boss@lab.test'));
  for (let i = 0; i < 12; i++) judge.tell(failure(start + i * hour, `${30 + i}.1.2.3`, 'boss@lab.test'));
  const [incident] = judge.report().incidents;
  assert.equal(incident?.attack, 'password-guessing');
  assert.deepEqual(incident?.targets[0]?.value, 'boss@lab.test');
  assert.equal(incident?.actorCount, 12);
  const login = (client: string): Question => ({
    ...question(start + 13 * hour, client, ''),
    stage: 'auth',
    account: 'boss@lab.test',
    recipient: undefined,
  });
  assert.equal(ask(login('198.51.100.4')).kind, 'accept');
  assert.equal(ask(login('45.1.1.1')).kind, 'defer');
});

test('one try an hour, each from a new address over many accounts, is one password-guessing incident', () => {
  const { judge } = court();
  for (let i = 0; i < 139; i++) judge.tell(failure(start + i * 54 * minute, `${i + 20}.7.7.7`, `user${i % 13}`));
  const incidents = judge.report().incidents.filter((incident) => incident.attack === 'password-guessing');
  const widest = incidents.toSorted((a, b) => b.actorCount - a.actorCount)[0];
  assert.ok(widest !== undefined && widest.actorCount >= 120, `actors ${widest?.actorCount}`);
});

test('two relay attempts close the session, three convict; a program of our own that repeats one pair does not', () => {
  const { judge, ask } = court();
  const relay = (client: string, i: number): Event =>
    fact(start + i, 'recipient', {
      outcome: 'relay-denied',
      client,
      sender: 's@spam.test',
      recipient: `x@elsewhere${i}.test`,
    });
  judge.tell(relay('203.0.113.20', 0));
  judge.tell(relay('203.0.113.20', 1));
  assert.equal(ask(question(start + 2, '203.0.113.20', 'alice@lab.test')).kind, 'drop');
  judge.tell(relay('203.0.113.20', 2));
  assert.equal(judge.report().incidents[0]?.attack, 'relay');
  for (let i = 0; i < 100; i++) judge.tell({ ...relay('203.0.113.21', 0), time: start + i * minute });
  assert.equal(judge.standingOf('203.0.113.21'), 'suspect');
});

test('an account whose mail bounces as unknown at many receivers is held; a newsletter with 10 % stale is not', () => {
  const { judge, ask } = court();
  const sent = (account: string, i: number, bad: boolean): Event =>
    fact(start + i * 1000, 'delivery', {
      outcome: bad ? 'bounced' : 'sent',
      account,
      sender: account,
      recipient: `r${i}@far${i % 50}.test`,
      remote: true,
      dsn: bad ? '5.1.1' : '2.0.0',
      client: '198.51.100.9',
    });
  const next = dice(3);
  for (let i = 0; i < 60; i++) judge.tell(sent('stolen@lab.test', i, next() < 0.5));
  for (let i = 0; i < 2000; i++) judge.tell(sent('news@lab.test', i, next() < 0.1));
  const held = (account: string): string =>
    ask({ ...question(start + hour, '198.51.100.9', 'x@far.test'), account }).kind;
  assert.equal(held('stolen@lab.test'), 'hold');
  assert.equal(held('news@lab.test'), 'accept');
  assert.deepEqual(
    judge.report().incidents.map((incident) => [incident.attack, incident.actors[0]?.value]),
    [['compromised-account', 'stolen@lab.test']],
  );
});

test('our own addresses are never refused, and observe mode refuses nobody', () => {
  const { judge, ask } = court();
  for (let i = 0; i < 10; i++) judge.tell(unknown(start + i, '127.0.0.1', `name${i}`));
  assert.equal(ask(question(start + 10, '127.0.0.1', 'alice@lab.test')).kind, 'accept');
  const observing = court({ ...defaultJudgeSettings, mode: 'observe' });
  for (let i = 0; i < 10; i++) observing.judge.tell(unknown(start + i, '203.0.113.7', `name${i}`));
  const verdict = observing.ask(question(start + 10, '203.0.113.7', 'alice@lab.test'));
  assert.equal(verdict.kind, 'accept');
  assert.ok(verdict.why.length > 0);
});

test('one protected address of an IPv6 network is not convicted with its /64, its neighbours are', () => {
  const memory = createMemory(new SharedArrayBuffer(4 * memoryBytesMin), 7);
  const told: string[] = [];
  const settings = { ...defaultJudgeSettings, isProtected: (client: string) => client === '2001:db8::25' };
  const judge = createJudge(memory, settings, { convicted: ({ client }) => told.push(client) });
  for (let i = 0; i < 10; i++) judge.tell(unknown(start + i, '2001:db8::25', `name${i}`));
  assert.deepEqual(told, []);
  for (let i = 0; i < 10; i++) judge.tell(unknown(start + i, '2001:db8::66', `other${i}`));
  assert.deepEqual(told, ['2001:db8::/64']);
  const kindOf = (client: string): string =>
    createAsk(memory.table, settings)(question(start, client, 'a@lab.test')).kind;
  assert.deepEqual([kindOf('2001:db8::25'), kindOf('2001:db8::66')], ['accept', 'reject']);
});

test('while learning, nothing harder than 4xx is said', () => {
  const { judge, ask } = court({ ...defaultJudgeSettings, learningUntil: start / 1000 + 86_400 });
  for (let i = 0; i < 10; i++) judge.tell(unknown(start + i, '203.0.113.7', `name${i}`));
  assert.equal(ask(question(start + 10, '203.0.113.7', 'alice@lab.test')).kind, 'defer');
});

test('a replay gives the same report, bit for bit', () => {
  const run = (): string => {
    const { judge } = court();
    const next = dice(11);
    for (let i = 0; i < 5000; i++) {
      const client = `203.0.${Math.floor(next() * 40)}.${Math.floor(next() * 250)}`;
      judge.tell(
        next() < 0.5
          ? unknown(start + i * 500, client, `n${Math.floor(next() * 900)}`)
          : accepted(start + i * 500, client, 'alice'),
      );
    }
    return JSON.stringify(judge.report());
  };
  const first = run();
  assert.ok(first.includes('"attack":"dictionary"'));
  assert.equal(run(), first);
});

test('other networks, other names, the same words at every door: the same campaign', () => {
  const days = 24 * hour;
  const waves = (apart: number, helo: string): readonly Incident[] => {
    const { judge } = court();
    for (const [time, net, word, name] of [
      [start, 20, 'a', 'ylmf-pc'],
      [start + apart, 90, 'b', helo],
    ] as const)
      for (let i = 0; i < 60; i++)
        judge.tell({
          ...unknown(time + i * 30_000, `${net}.${i}.0.9`, `${word}${i}`, `s@${word}.test`),
          helo: name,
        });
    return judge.report().incidents.toSorted((one, other) => one.opened - other.opened);
  };
  const [first, again] = waves(8 * days, 'ylmf-pc');
  assert.deepEqual(first?.habits?.[0], { value: 'EHLO ylmf-pc', events: 60 });
  assert.equal(again?.campaign, first.id);
  for (const others of [waves(8 * days, 'win-pc'), waves(8 * days, 'localhost'), waves(40 * days, 'ylmf-pc')]) {
    assert.equal(others.length, 2);
    assert.ok(others.every(({ campaign }) => campaign === undefined));
  }
});

test('an incident closes after six quiet hours, and the same campaign a week later is recognised', () => {
  const { judge, changes } = court();
  const campaign = (from: number): void => {
    for (let i = 0; i < 100; i++) judge.tell(unknown(from + i * 1000, `20.${i}.1.9`, `word${i}`));
  };
  campaign(start);
  campaign(start + 8 * 24 * hour);
  const incidents = judge.report().incidents.toSorted((a, b) => a.opened - b.opened);
  assert.equal(incidents.length, 2);
  assert.ok(changes.some((change) => change.change === 'closed'));
  assert.equal(incidents[1]?.campaign, incidents[0]?.id);
});

test('a client that attacks one domain after the other is one incident', () => {
  const { judge } = court();
  for (let i = 0; i < 60; i++) {
    judge.tell({ ...unknown(start + i * 1000, '203.0.113.7', `name${i}`), recipient: `name${i}@domain${i % 12}.test` });
  }
  const incidents = judge.report().incidents;
  assert.equal(incidents.length, 1);
  assert.ok((incidents[0]?.targets.length ?? 0) > 12);
});

test('an account that is used from just over twenty networks is not charged for it with every message', () => {
  for (let networks = 17; networks <= 26; networks++) {
    const { judge, ask } = court();
    for (let i = 0; i < 200; i++)
      judge.tell(
        fact(start + i * minute, 'message', {
          account: 'team@lab.test',
          client: `${20 + (i % networks)}.1.1.1`,
          count: 1,
        }),
      );
    const verdict = ask({ ...question(start + 4 * hour, '20.1.1.1', 'x@far.test'), account: 'team@lab.test' });
    assert.equal(verdict.kind, 'accept', `${networks} networks`);
  }
});

test('a detector that only observes reports its attack and refuses nobody', () => {
  const detectors = new Map([...defaultJudgeSettings.detectors, ['harvest', 'observe'] as const]);
  const { judge, ask } = court({ ...defaultJudgeSettings, detectors });
  for (let i = 0; i < 10; i++) judge.tell(unknown(start + i, '203.0.113.7', `name${i}`));
  assert.deepEqual(
    judge.report().incidents.map((incident) => incident.attack),
    ['dictionary'],
  );
  assert.equal(ask(question(start + 10, '203.0.113.7', 'alice@lab.test')).kind, 'accept');
});
