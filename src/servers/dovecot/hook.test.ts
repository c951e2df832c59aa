import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from '../../model/verdict.ts';
import type { PolicyMessage } from '../../protocols/dovecot-auth-policy/message.ts';
import { answerOf, delaySecondsMax, eventOf, questionOf } from './hook.ts';

const time = Date.UTC(2026, 10, 21);
const message: PolicyMessage = {
  command: 'report',
  login: 'alice@lab.test',
  remote: '::ffff:203.0.113.7',
  protocol: 'imap',
  sessionId: 'cyXqW75gu9h/AQEB',
  passwordHash: '014f',
  tls: false,
  success: false,
  policyReject: false,
};

test('a message becomes a question and a fact; IPv4 in IPv6 is IPv4, an empty account is none', () => {
  const question = questionOf(message, time);
  assert.deepEqual([question.stage, question.client, question.account], ['auth', '203.0.113.7', 'alice@lab.test']);
  assert.equal(questionOf({ ...message, login: '', remote: '' }, time).account, undefined);
  assert.equal(questionOf({ ...message, remote: 'localhost' }, time).client, undefined);
  const event = eventOf(message, time);
  assert.deepEqual(
    [event.kind, event.outcome, event.reason, event.protocol, event.password],
    ['auth', 'failure', 'bad-password', 'imap', 'alice@lab.test:014f'],
  );
  assert.equal(eventOf({ ...message, policyReject: true }, time).reason, 'policy');
  assert.equal(eventOf({ ...message, success: true }, time).password, undefined);
  assert.notEqual(
    eventOf(message, time).password,
    eventOf({ ...message, login: 'bob' }, time).password,
    'the hash of another login says nothing',
  );
});

test('each verdict has its answer', () => {
  const rows: readonly (readonly [Verdict, number, string])[] = [
    [{ kind: 'accept', why: [] }, 0, ''],
    [{ kind: 'hold', why: [] }, 0, ''],
    [{ kind: 'delay', delayMs: 1, why: [] }, 1, ''],
    [{ kind: 'delay', delayMs: 60_000, why: [] }, delaySecondsMax, ''],
    [{ kind: 'defer', reply: { code: '454', enhanced: '4.7.0', text: 'later' }, why: [] }, -1, 'later'],
    [{ kind: 'reject', reply: { code: '554', enhanced: '5.7.1', text: 'no' }, why: [] }, -1, ''],
    [{ kind: 'drop', reply: { code: '421', enhanced: '4.7.0', text: 'bye' }, why: [] }, -1, ''],
  ];
  for (const [verdict, status, msg] of rows) assert.deepEqual(answerOf(verdict), { status, msg });
});
