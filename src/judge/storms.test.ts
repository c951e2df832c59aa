/** What a server does before it asks: names that Sendmail looks up, connections, lookups of sender domains. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../model/event.ts';
import type { Event, EventDraft, EventKind, ServerName } from '../model/event.ts';
import type { Question, Stage } from '../model/question.ts';
import { createJudge } from './judge.ts';
import type { Conviction } from './judge.ts';
import { createMemory, memoryBytesMin } from './memory.ts';
import { defaultJudgeSettings } from './settings.ts';
import { createAsk } from './verdict.ts';

const start = Date.UTC(2026, 10, 21);
const minute = 60_000;

const court = (convictions: Conviction[] = []) => {
  const memory = createMemory(new SharedArrayBuffer(4 * memoryBytesMin), 7);
  const judge = createJudge(memory, defaultJudgeSettings, { convicted: (one) => convictions.push(one) });
  return { judge, ask: createAsk(memory.table, defaultJudgeSettings) };
};
const fact = (time: number, server: ServerName, kind: EventKind, fields: Partial<EventDraft>): Event => ({
  ...draftEvent(time, server, kind),
  ...fields,
});
const question = (time: number, server: ServerName, stage: Stage, client: string): Question => ({
  time,
  server,
  stage,
  client,
  helo: 'client.test',
  account: undefined,
  sender: stage === 'connect' ? undefined : 's@remote.test',
  recipient: stage === 'recipient' ? 'alice@lab.test' : undefined,
});

test('a campaign at Sendmail: newcomers wait at MAIL, before a name is said; elsewhere at RCPT', () => {
  for (const server of ['sendmail', 'postfix'] as const) {
    const { judge, ask } = court();
    for (let probe = 0; probe < 20; probe++)
      judge.tell(
        fact(start + probe, server, 'recipient', {
          client: `20.${probe}.7.9`,
          outcome: 'unknown',
          sender: 's@remote.test',
          recipient: `x${probe}@lab.test`,
        }),
      );
    const kindAt = (stage: Stage, time: number) => ask(question(time, server, stage, '31.1.1.1')).kind;
    const isSendmail = server === 'sendmail';
    assert.equal(kindAt('sender', start + minute), isSendmail ? 'defer' : 'accept');
    assert.equal(kindAt('recipient', start + minute), 'defer');
    const putOff = isSendmail
      ? fact(start + minute, server, 'sender', {})
      : fact(start + minute, server, 'recipient', {});
    judge.tell({
      ...putOff,
      client: '31.1.1.1',
      outcome: 'deferred',
      recipient: isSendmail ? undefined : 'alice@lab.test',
    });
    assert.equal(kindAt('sender', start + 5 * minute), isSendmail ? 'defer' : 'accept', 'too soon');
    assert.equal(kindAt('sender', start + 7 * minute), 'accept', 'who comes back has a queue');
    assert.equal(kindAt('recipient', start + 7 * minute), 'accept');
  }
});

test('above its allowance of connections a client hears 421 at connect for a minute, and is told of once; who was ever good is not', () => {
  const convictions: Conviction[] = [];
  const { judge, ask } = court(convictions);
  const connect = (time: number, client: string): Event => fact(time, 'exim', 'connect', { client });
  const good = fact(start, 'exim', 'delivery', {
    outcome: 'sent',
    client: '31.1.1.1',
    recipient: 'alice@lab.test',
    sender: 's@remote.test',
    remote: false,
  });
  judge.tell(good);
  for (let at = 0; at < 200; at++)
    for (const client of ['48.1.1.80', '31.1.1.1']) judge.tell(connect(start + at, client));
  const answer = (time: number, client: string) => ask(question(time, 'exim', 'connect', client));
  const verdict = answer(start + 1000, '48.1.1.80');
  assert.ok(verdict.kind === 'drop' && verdict.reply.code === '421');
  assert.equal(answer(start + 1000, '31.1.1.1').kind, 'accept');
  assert.equal(answer(start + 1000, '48.1.1.81').kind, 'accept', 'a neighbour');
  assert.equal(ask(question(start + 1000, 'exim', 'recipient', '48.1.1.80')).kind, 'accept', 'it is no conviction');
  assert.equal(answer(start + 2 * minute, '48.1.1.80').kind, 'accept', 'who stops is served');
  assert.deepEqual(
    convictions.map(({ client, detector, everGood }) => [client, detector, everGood]),
    [
      ['48.1.1.80', 'connection-flood', false],
      ['31.1.1.1', 'connection-flood', true],
    ],
  );
  assert.equal(judge.report().incidents[0]?.attack, 'connection-flood');
});

test('connections to Dovecot that end without a login are counted, those of other servers when they begin', () => {
  const { judge } = court();
  for (let at = 0; at < 100; at++) {
    judge.tell(fact(start + at, 'dovecot', 'disconnect', { client: '48.1.1.80' }));
    judge.tell(fact(start + at, 'postfix', 'disconnect', { client: '48.1.1.90' }));
  }
  const [incident] = judge.report().incidents;
  assert.deepEqual([incident?.attack, incident?.actors.map(({ value }) => value)], ['connection-flood', ['48.1.1.80']]);
});

const missing = (time: number, client: string, domain: string): Event =>
  fact(time, 'postfix', 'recipient', { client, outcome: 'rejected', reason: 'dns', sender: `s@${domain}` });
const good = (time: number, client: string): Event =>
  fact(time, 'postfix', 'delivery', {
    outcome: 'sent',
    client,
    recipient: 'alice@lab.test',
    sender: 's@remote.test',
    remote: false,
  });

test('a client with three sender domains that do not exist is put off before the next lookup, and never convicted', () => {
  const convictions: Conviction[] = [];
  const { judge, ask } = court(convictions);
  const kind = () => ask(question(start + minute, 'postfix', 'recipient', '45.1.1.1')).kind;
  for (let at = 0; at < 9; at++) judge.tell(missing(start + at, '45.1.1.1', 'same.example'));
  assert.equal(kind(), 'accept', 'one domain is one domain');
  judge.tell(missing(start + 10, '45.1.1.1', 'second.example'));
  assert.equal(kind(), 'delay');
  for (let at = 0; at < 50; at++) judge.tell(missing(start + 20 + at, '45.1.1.1', `x${at}.example`));
  assert.equal(kind(), 'defer');
  assert.deepEqual(convictions, []);
  const [incident] = judge.report().incidents;
  assert.deepEqual([incident?.attack, incident?.actors[0]?.value], ['dns-storm', '45.1.1.1']);
});

test('a crowd with one missing domain each: newcomers wait, who was good and who comes back passes', () => {
  const { judge, ask } = court();
  judge.tell(good(start, '31.1.1.1'));
  for (let at = 0; at < 25; at++) judge.tell(missing(start + at, `45.${at}.1.1`, `x${at}.example`));
  const kind = (client: string, seconds = 60) =>
    ask(question(start + seconds * 1000, 'postfix', 'recipient', client)).kind;
  assert.equal(kind('46.1.1.1'), 'defer');
  assert.equal(kind('31.1.1.1'), 'accept');
  const bounce = { ...question(start + minute, 'postfix', 'recipient', '46.1.1.2'), sender: '' };
  assert.equal(ask(bounce).kind, 'accept', 'the null reverse-path costs no lookup');
  judge.tell(fact(start + minute, 'postfix', 'recipient', { client: '46.1.1.1', outcome: 'deferred' }));
  assert.equal(kind('46.1.1.1', 400), 'accept');
  assert.equal(judge.report().incidents[0]?.attack, 'dns-storm');
});

test('a resolver of ours that fails is no storm', () => {
  const { judge, ask } = court();
  for (let at = 0; at < 3; at++) {
    judge.tell(good(start, `31.${at}.1.1`));
    judge.tell(missing(start + 1000, `31.${at}.1.1`, 'remote.test'));
  }
  for (let at = 0; at < 40; at++) judge.tell(missing(start + 2000 + at, `45.${at}.1.1`, `x${at}.example`));
  for (let at = 0; at < 9; at++) judge.tell(missing(start + 3000 + at, '46.1.1.1', `y${at}.example`));
  assert.equal(ask(question(start + minute, 'postfix', 'recipient', '46.1.1.1')).kind, 'accept');
  assert.deepEqual(judge.report().incidents, []);
});

test('one sender domain in twenty that does not exist puts nobody off', () => {
  const { judge, ask } = court();
  for (let at = 0; at < 60; at++) {
    const sender = `s@d${at}.test`;
    if (at % 20 === 19) judge.tell(missing(start + at * minute, '47.1.1.1', `d${at}.test`));
    else
      judge.tell(
        fact(start + at * minute, 'postfix', 'recipient', {
          client: '47.1.1.1',
          outcome: 'accepted',
          sender,
          recipient: 'a@lab.test',
        }),
      );
    assert.equal(ask(question(start + at * minute, 'postfix', 'recipient', '47.1.1.1')).kind, 'accept');
  }
});
