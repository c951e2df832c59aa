import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Question } from '../../model/question.ts';
import type { Verdict } from '../../model/verdict.ts';
import { encodeRequest, parseRequest } from '../../protocols/readsocket/request.ts';
import type { EximRequest } from '../../protocols/readsocket/request.ts';
import { eximAcls } from './acl.ts';
import { answerOf, eventOf, questionOf } from './hook.ts';

const time = Date.UTC(2026, 10, 21);
const asked = (fields: Partial<EximRequest>): EximRequest => {
  const parsed = parseRequest(encodeRequest(fields).slice(0, -1));
  assert.ok(parsed.kind === 'request');
  return parsed.request;
};

test('a recipient is a question, and a fact once its outcome is known', () => {
  const fields = { stage: 'rcpt', ip: '203.0.113.7', helo: 'h', sender: '', recipient: 'x@lab.test', account: '' };
  const question = questionOf(asked(fields), time);
  assert.deepEqual(
    [question?.stage, question?.client, question?.sender, question?.recipient, question?.account],
    ['recipient', '203.0.113.7', '', 'x@lab.test', undefined],
  );
  assert.equal(question?.size, undefined);
  assert.equal(questionOf(asked({ ...fields, size: '5000' }), time)?.size, 5000);
  assert.equal(questionOf(asked({ ...fields, size: '-1' }), time)?.size, undefined, 'MAIL did not say');
  assert.equal(eventOf(asked(fields), time), undefined);
  assert.equal(eventOf(asked({ ...fields, outcome: 'sent' }), time), undefined, 'no outcome of a recipient');
  const event = eventOf(asked({ ...fields, outcome: 'unknown', account: 'anna' }), time);
  assert.deepEqual([event?.kind, event?.outcome, event?.account, event?.sender], ['recipient', 'unknown', 'anna', '']);
});

test('a stage that is not ours asks and tells nothing', () => {
  assert.equal(questionOf(asked({ stage: 'etrn' }), time), undefined);
  assert.equal(eventOf(asked({ stage: 'etrn' }), time), undefined);
  assert.equal(questionOf(asked({ stage: 'quit' }), time), undefined);
  assert.equal(eventOf(asked({ stage: 'quit', ip: '192.0.2.1' }), time)?.kind, 'disconnect');
});

test('each verdict in a form that Exim can say at that stage', () => {
  const question = (stage: Question['stage'], account?: string): Question => ({
    time,
    server: 'exim',
    stage,
    client: '203.0.113.7',
    helo: undefined,
    account,
    sender: undefined,
    recipient: undefined,
  });
  const drop: Verdict = { kind: 'drop', reply: { code: '421', enhanced: '4.7.0', text: 'bye' }, why: [] };
  assert.deepEqual(answerOf(drop, question('connect')), { verb: 'defer', message: '421 4.7.0 bye' });
  assert.deepEqual(answerOf(drop, question('recipient')), { verb: 'drop', message: '550 5.7.0 bye' });
  const hold: Verdict = { kind: 'hold', why: [] };
  assert.equal(answerOf(hold, question('message', 'anna')).header, 'X-Authenticated-As: anna');
  assert.equal(answerOf(hold, question('message')).header, 'X-Relayed-From: 203.0.113.7');
  assert.equal(answerOf({ kind: 'delay', delayMs: 90_000, why: [] }, question('message')).delaySeconds, 5);
});

test('the include file asks at every stage and fails open', () => {
  const text = eximAcls({ socket: 'inet:127.0.0.1:10042', timeoutSeconds: 3 });
  for (const stage of ['connect', 'helo', 'auth', 'mail', 'rcpt', 'predata', 'data', 'quit', 'notquit'])
    assert.match(text, new RegExp(`^postern_${stage}:$`, 'm'));
  assert.equal(text.match(/\{v=accept\}/g)?.length, 9);
});
