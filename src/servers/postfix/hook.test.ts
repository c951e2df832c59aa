import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { findRequest } from '../../protocols/postfix-policy/request.ts';
import type { PolicyRequest } from '../../protocols/postfix-policy/request.ts';
import type { Verdict } from '../../model/verdict.ts';
import { actionOf, questionOf, sleepSecondsMax, textLengthMax } from './hook.ts';

const time = Date.UTC(2026, 10, 21);
const asked = (attributes: Readonly<Partial<PolicyRequest>>): PolicyRequest => {
  const lines = Object.entries(attributes).map(([name, value]) => `${name}=${value}\n`);
  const found = findRequest(`request=smtpd_access_policy\n${lines.join('')}\n`, 0);
  assert.ok(found?.parsed.kind === 'request');
  return found.parsed.request;
};

test('a request at RCPT becomes a question about a recipient', () => {
  const request = asked({
    protocol_state: 'RCPT',
    client_address: '2001:DB8:0:0::25',
    helo_name: 'mail.example.org',
    sender: 's@remote.test',
    recipient: 'alice@lab.test',
    sasl_username: 'bob@lab.test',
    size: '5000',
  });
  assert.deepEqual(questionOf(request, time), {
    time,
    server: 'postfix',
    stage: 'recipient',
    client: '2001:db8::25',
    helo: 'mail.example.org',
    account: 'bob@lab.test',
    sender: 's@remote.test',
    recipient: 'alice@lab.test',
    size: 5000,
  });
});

test('every protocol state has its stage; only inside a transaction an empty sender is the null reverse-path', () => {
  const rows: readonly (readonly [string, string, string | undefined])[] = [
    ['CONNECT', 'connect', undefined],
    ['EHLO', 'helo', undefined],
    ['HELO', 'helo', undefined],
    ['ETRN', 'etrn', undefined],
    ['VRFY', 'recipient', undefined],
    ['MAIL', 'sender', ''],
    ['RCPT', 'recipient', ''],
    ['DATA', 'data', ''],
    ['BDAT', 'data', ''],
    ['END-OF-MESSAGE', 'message', ''],
  ];
  for (const [state, stage, sender] of rows) {
    const question = questionOf(asked({ protocol_state: state }), time);
    assert.equal(question?.stage, stage, state);
    assert.equal(question.sender, sender, state);
  }
  for (const state of ['', 'rcpt', 'QUIT', '__proto__']) {
    assert.equal(questionOf(asked({ protocol_state: state }), time), undefined, state);
  }
});

test('what Postfix does not know is undefined', () => {
  const question = questionOf(asked({ protocol_state: 'CONNECT', client_address: 'unknown' }), time);
  assert.deepEqual(question, {
    time,
    server: 'postfix',
    stage: 'connect',
    client: undefined,
    helo: undefined,
    account: undefined,
    sender: undefined,
    recipient: undefined,
    size: undefined,
  });
});

test('every verdict has its action', () => {
  const why = [{ detector: 'compromised-account', subject: 'bob@lab.test', score: 12, threshold: 11.5 }];
  const later = { code: '450', enhanced: '4.7.1', text: 'Later' } as const;
  const rows: readonly (readonly [Verdict, string])[] = [
    [{ kind: 'accept', why }, 'DUNNO'],
    [{ kind: 'delay', delayMs: 2000, why }, 'sleep 2'],
    [{ kind: 'delay', delayMs: 1, why }, 'sleep 1'],
    [{ kind: 'delay', delayMs: 0, why }, 'sleep 1'],
    [{ kind: 'delay', delayMs: 3_600_000, why }, `sleep ${sleepSecondsMax}`],
    [{ kind: 'defer', reply: later, why }, '450 4.7.1 Later'],
    [{ kind: 'reject', reply: { code: '554', enhanced: '5.7.1', text: 'No' }, why }, '554 5.7.1 No'],
    [{ kind: 'drop', reply: { ...later, enhanced: '4.7.0' }, why }, '421 4.7.0 Later'],
    [{ kind: 'hold', why }, 'HOLD compromised-account'],
    [{ kind: 'hold', why: [] }, 'HOLD'],
  ];
  for (const [verdict, action] of rows) assert.equal(actionOf(verdict), action);
});

test('whatever the text holds, the action is one line of printable ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      const action = actionOf({ kind: 'reject', reply: { code: '554', enhanced: '5.7.1', text }, why: [] });
      assert.match(action, /^554 5\.7\.1 [ -~]*$/);
      assert.ok(action.length <= '554 5.7.1 '.length + textLengthMax);
    }),
  );
  const split = actionOf({ kind: 'reject', reply: { code: '554', enhanced: '5.7.1', text: 'a\r\n\nb\tc' }, why: [] });
  assert.equal(split, '554 5.7.1 a b c');
});
