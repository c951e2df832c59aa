import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { addressOf, bitsOf } from './address.ts';
import { createOverlap } from './address-set.ts';
import { firewallSubject, isTooWide, keySets, keysOf, tableLines } from './firewall.ts';

test('subjects: an IPv6 address stands for its /64, host bits are cut', () => {
  for (const [text, subject] of [
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7/24', '203.0.113.0/24'],
    ['2001:db8:1:2:3::4', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:3::4/128', '2001:db8:1:2:3::4'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['nobody', undefined],
    ['203.0.113.7/33', undefined],
    ['203.0.113.7; flush ruleset', undefined],
  ] as const)
    assert.equal(firewallSubject(text), subject, text);
});

test('keys: the next size that has a set', () => {
  for (const [subject, length, count, first] of [
    ['203.0.113.7', 32, 1, '203.0.113.7'],
    ['203.0.113.8/30', 32, 4, '203.0.113.8'],
    ['203.0.113.0/24', 24, 1, '203.0.113.0'],
    ['203.0.0.0/16', 24, 256, '203.0.0.0'],
    ['10.0.0.0/8', 24, 65_536, '10.0.0.0'],
    ['2001:db8:1:2::/64', 64, 1, '2001:db8:1:2::'],
    ['2001:db8:1::/48', 48, 1, '2001:db8:1::'],
    ['2001:db8:1::/56', 64, 256, '2001:db8:1::'],
    ['2001:db8::5/128', 128, 1, '2001:db8::5'],
  ] as const) {
    const { length: found, keys } = keysOf(subject);
    assert.deepEqual([found, keys.length, keys[0]], [length, count, first], subject);
  }
  assert.deepEqual(keysOf('nobody/24').keys, []);
});

test('too wide for a block, for an allowance', () => {
  const wide = ['0.0.0.0/0', '::/0', '10.0.0.0/15', '2001::/31'];
  for (const subject of wide) assert.ok(isTooWide(subject, 'block'), subject);
  for (const subject of ['10.0.0.0/16', '203.0.113.7', '2001:db8::/32'])
    assert.ok(!isTooWide(subject, 'block'), subject);
  assert.ok(!isTooWide('10.0.0.0/8', 'allow') && isTooWide('0.0.0.0/0', 'allow'));
});

test('every set is declared and asked by a rule', () => {
  assert.equal(keySets.length, 10);
  for (const { name } of keySets)
    for (const form of [`add set inet postern ${name} {`, ` @${name} `])
      assert.equal(tableLines.filter((line) => line.includes(form)).length, 1, form);
});

test('bits of an address and back; an address overlaps the networks that hold it', () => {
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6().filter((text) => !text.includes('.')),
  );
  fc.assert(
    fc.property(address, fc.nat(128), (text, cut) => {
      const width = text.includes(':') ? 128 : 32;
      const canonical = addressOf(bitsOf(text) ?? 0n, width);
      assert.equal(bitsOf(canonical), bitsOf(text));
      const network = `${text}/${Math.min(cut, width)}`;
      assert.equal(createOverlap([{ network }])(text)?.network, network);
      assert.equal(createOverlap([{ network: text }])(network)?.network, text);
    }),
  );
  const find = createOverlap([{ network: '198.51.100.0/24' }, { network: '::1' }]);
  assert.equal(find('203.0.113.7'), undefined);
  assert.equal(find('198.51.0.0/16')?.network, '198.51.100.0/24');
  assert.equal(find('::/0')?.network, '::1');
});
