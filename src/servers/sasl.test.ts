import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saslReason } from './sasl.ts';

test('why a login failed: a server that cannot ask says nothing about passwords', () => {
  for (const [why, reason] of [
    ['user not found (-20)', 'unknown-account'],
    ['authentication failure (-13)', 'bad-password'],
    ['UGFzc3dvcmQ6', 'bad-password'],
    ['generic failure (-1)', 'aborted'],
    ['Temporary authentication failure', 'aborted'],
    ['Connection lost to authentication server', 'aborted'],
    ['Invalid authentication mechanism', 'malformed'],
    ['user account disabled (-18)', 'disabled'],
    ['encryption needed to use mechanism (-16)', 'no-tls'],
  ] as const)
    assert.equal(saslReason(why), reason, why);
});
