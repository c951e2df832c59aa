import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressSet, isAddressOrNetwork } from './address-set.ts';

test('addresses and networks contain what they name and nothing beside it', () => {
  const set = createAddressSet(['192.0.2.1', '10.0.0.0/8', '2001:db8::/32', '198.51.100.77/24', 'fe80::1']);
  const inside = [
    '192.0.2.1',
    '10.0.0.0',
    '10.255.255.255',
    '2001:db8::1',
    '2001:db8:ffff::',
    '198.51.100.1',
    'fe80::1',
  ];
  const outside = ['192.0.2.2', '11.0.0.0', '9.255.255.255', '2001:db9::', '198.51.101.1', 'fe80::2', 'nonsense', ''];
  for (const client of inside) assert.ok(set.has(client), client);
  for (const client of outside) assert.ok(!set.has(client), client);
});

test('the whole of one family is not the whole of the other', () => {
  const set = createAddressSet(['0.0.0.0/0']);
  assert.ok(set.has('203.0.113.9'));
  assert.ok(!set.has('2001:db8::1'));
});

test('what is neither address nor network is told apart', () => {
  for (const good of ['1.2.3.4', '1.2.3.4/32', '::/0', '2001:db8::/128', '0.0.0.0/0'])
    assert.ok(isAddressOrNetwork(good), good);
  for (const bad of [
    '',
    '1.2.3',
    '1.2.3.4/33',
    '::/129',
    '1.2.3.4/',
    '1.2.3.4/-1',
    '1.2.3.4/1.5',
    'localhost',
    '1.2.3.4/24/24',
  ]) {
    assert.ok(!isAddressOrNetwork(bad), bad);
  }
});
