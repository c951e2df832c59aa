import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { encodeRequest, findRequest } from '../../protocols/postfix-policy/request.ts';
import type { PolicyRequest } from '../../protocols/postfix-policy/request.ts';
import { createLastRecipient, createProgress, outcomeMsMax } from './outcomes.ts';

const request = (attributes: Partial<PolicyRequest>): PolicyRequest => {
  const found = findRequest(encodeRequest({ protocol_state: 'RCPT', instance: 'a1', ...attributes }), 0);
  assert.ok(found?.parsed.kind === 'request');
  return found.parsed.request;
};
const a = request({ recipient: 'a@lab.test' });
const b = request({ recipient: 'b@lab.test' });
const start = 1_000_000;

test('another recipient of the transaction without a queue id: the last one was refused', () => {
  const last = createLastRecipient();
  assert.equal(last.outcomeDueMs(a, start), 0);
  last.remember(a, 'accept', start);
  assert.equal(last.outcomeDueMs(b, start + 1), outcomeMsMax - 1);
  assert.equal(last.outcomeDueMs(b, start + outcomeMsMax), 0);
  assert.equal(last.outcomeDueMs(b, start - 10), outcomeMsMax, 'a clock that was set back');
});

test('nothing is due when nothing proves a refusal', () => {
  const last = createLastRecipient();
  last.remember(a, 'accept', start);
  const rows: Record<string, PolicyRequest> = {
    'the same recipient at another stage': a,
    'a recipient was accepted': request({ recipient: 'b@lab.test', queue_id: '4jWXy106WkzKCkM' }),
    'another transaction': request({ recipient: 'b@lab.test', instance: 'a2' }),
    'an authenticated client': request({ recipient: 'b@lab.test', sasl_username: 'bob' }),
    'not a recipient': request({ protocol_state: 'DATA' }),
  };
  for (const [why, next] of Object.entries(rows)) assert.equal(last.outcomeDueMs(next, start + 1), 0, why);
  assert.equal(last.outcomeDueMs(b, start + 1), outcomeMsMax - 1);
});

test('what we refused ourselves is known already', () => {
  for (const kind of ['defer', 'reject', 'drop'] as const) {
    const last = createLastRecipient();
    last.remember(a, 'accept', start);
    last.remember(a, kind, start);
    last.remember(a, 'accept', start);
    assert.equal(last.outcomeDueMs(b, start), 0, kind);
    last.remember(b, 'accept', start);
    assert.equal(last.outcomeDueMs(a, start), outcomeMsMax, `${kind} of an earlier recipient`);
  }
});

test('a question before the recipient is no recipient', () => {
  const last = createLastRecipient();
  last.remember(request({ protocol_state: 'MAIL' }), 'accept', start);
  assert.equal(last.outcomeDueMs(a, start), 0);
});

test('an outcome that was waited for is not waited for again', () => {
  const last = createLastRecipient();
  last.remember(a, 'accept', start);
  last.settle();
  assert.equal(last.outcomeDueMs(b, start), 0);
});

test('progress of another thread wakes who waits', async () => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const { next } = createProgress(cell);
  const reader = new Worker(
    `import('${new URL('outcomes.ts', import.meta.url).href}').then(({ createProgress }) =>
      createProgress(require('node:worker_threads').workerData).advance());`,
    { eval: true, workerData: cell },
  );
  await next(60_000);
  assert.equal(Atomics.load(cell, 0), 1);
  await reader.terminate();
});

test('without progress the wait ends at its limit', async () => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const keepsAlive = setInterval(() => undefined, 1000);
  await createProgress(cell).next(5);
  clearInterval(keepsAlive);
  assert.equal(Atomics.load(cell, 0), 0);
});
