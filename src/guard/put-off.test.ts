import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../model/event.ts';
import type { Question } from '../model/question.ts';
import type { Verdict } from '../model/verdict.ts';
import { tellPutOffs } from './put-off.ts';

test('who is put off at MAIL or RCPT is told of, and nobody else', () => {
  const defer: Verdict = { kind: 'defer', reply: { code: '450', enhanced: '4.2.0', text: 'later' }, why: [] };
  const told: Event[] = [];
  let verdict: Verdict = defer;
  const ask = tellPutOffs(
    () => verdict,
    (event) => told.push(event),
  );
  const question: Question = {
    time: 7,
    server: 'exim',
    stage: 'recipient',
    client: '203.0.113.1',
    helo: 'client.test',
    account: undefined,
    sender: 's@remote.test',
    recipient: 'alice@lab.test',
  };
  assert.equal(ask(question), defer);
  ask({ ...question, stage: 'sender', recipient: undefined });
  ask({ ...question, stage: 'connect' });
  verdict = { kind: 'accept', why: [] };
  ask(question);
  assert.deepEqual(
    told.map(({ time, server, kind, client, outcome, reason, recipient }) => [
      time,
      server,
      kind,
      client,
      outcome,
      reason,
      recipient,
    ]),
    [
      [7, 'exim', 'recipient', '203.0.113.1', 'deferred', 'policy', 'alice@lab.test'],
      [7, 'exim', 'sender', '203.0.113.1', 'deferred', 'policy', undefined],
    ],
  );
});
