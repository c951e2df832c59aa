import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../change.ts';
import { setUpDovecot } from './setup.ts';

const endpoints = {
  policy: '127.0.0.1:10040',
  milter: '127.0.0.1:10041',
  readsocket: '127.0.0.1:10042',
  authPolicy: '127.0.0.1:10043',
};
const textOf = (change: Change): string => {
  assert.ok(change.kind === 'changed');
  return change.text;
};

test('Dovecot: both syntaxes, a nonce, and never a second policy server', () => {
  const text = textOf(setUpDovecot('protocols = imap\n', endpoints, '2.3.19.1', 'salt'));
  assert.ok(text.includes('auth_policy_server_timeout_msecs = 2000') && text.includes('auth_policy_hash_nonce = salt'));
  assert.ok(textOf(setUpDovecot('', endpoints, '2.4.1', 'salt')).includes('http_client_request_absolute_timeout'));
  assert.deepEqual(setUpDovecot(text, endpoints, '2.3.19.1', 'salt'), { kind: 'nothing' });
  assert.equal(setUpDovecot('auth_policy_server_url = http://other/\n', endpoints, '2.4.1', 'x').kind, 'by-hand');
});

test('Dovecot: what is commented out is not set up, and the secret is not told', () => {
  const change = setUpDovecot(
    '# auth_policy_server_url = http://127.0.0.1:10043/\n',
    endpoints,
    '2.3.19.1',
    'a-secret',
  );
  assert.ok(change.kind === 'changed' && change.text.includes('a-secret') && !change.lines.join().includes('a-secret'));
});
