import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { encodeRequest, findRequest } from '../../protocols/postfix-policy/request.ts';
import type { PolicyRequest } from '../../protocols/postfix-policy/request.ts';
import { createEvidence, createLastRecipient, evidenceBytes, outcomeMsMax } from './outcomes.ts';

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

test('evidence that another thread counts wakes who waits', async () => {
  const memory = new SharedArrayBuffer(evidenceBytes);
  const counted = createEvidence(memory).since('203.0.113.7');
  const reader = new Worker(
    `import('${new URL('outcomes.ts', import.meta.url).href}').then(({ createEvidence }) =>
      createEvidence(require('node:worker_threads').workerData).count('203.0.113.7'));`,
    { eval: true, workerData: memory },
  );
  await counted(60_000);
  assert.ok(new Int32Array(memory).includes(1));
  await reader.terminate();
});

test('what was counted since, before anybody waited, is not waited for', async () => {
  const { count, since } = createEvidence(new SharedArrayBuffer(evidenceBytes));
  const counted = since('203.0.113.7');
  count('203.0.113.7');
  await counted(60_000);
});

test('evidence against others wakes nobody, and the wait ends at its limit', async () => {
  const { count, since } = createEvidence(new SharedArrayBuffer(evidenceBytes));
  count('203.0.113.7');
  const counted = since('203.0.113.7');
  count('203.0.113.8');
  count('2001:db8::1');
  const keepsAlive = setInterval(() => undefined, 1000);
  const order: string[] = [];
  const waited = counted(50).then(() => order.push('waited'));
  await new Promise(setImmediate);
  order.push('others');
  await waited;
  clearInterval(keepsAlive);
  assert.deepEqual(order, ['others', 'waited']);
});
