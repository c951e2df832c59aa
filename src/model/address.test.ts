import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { bitsOf, canonicalAddress, domainOf, networkOf, prefixOf, regionOf } from './address.ts';

test('one address has one text, whichever server printed it', () => {
  const same = [
    '2001:db8::1',
    '2001:db8:0:0:0:0:0:1',
    'IPv6:2001:DB8:0:0:0:0:0:1',
    '[2001:db8::1]',
    '2001:db8::1%eth0',
  ];
  for (const text of same) assert.equal(canonicalAddress(text), '2001:db8::1', text);
  for (const text of ['192.0.2.1', '::ffff:192.0.2.1', '[192.0.2.1]', 'IPv6:::ffff:192.0.2.1'])
    assert.equal(canonicalAddress(text), '192.0.2.1', text);
});

test('what is not exactly one address is none', () => {
  const none = [
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4]',
    'a]b',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    'g::1',
    '12345::1',
    'localhost',
    'unknown',
    '1.2.3.4\n',
    '::1.2.3',
  ];
  for (const text of none) assert.equal(canonicalAddress(text), undefined, JSON.stringify(text));
});

test('every address of the platform is taken, and its text is a fixed point', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const canonical = canonicalAddress(text);
      assert.ok(canonical !== undefined && isIP(canonical) > 0, text);
      assert.equal(canonicalAddress(canonical), canonical);
    }),
  );
});

test('no text makes it throw, and what it takes is an address', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const canonical = canonicalAddress(text);
      if (canonical !== undefined) assert.ok(isIP(canonical) > 0, text);
    }),
  );
});

test('prefixes, networks and regions', () => {
  assert.deepEqual(['10.2.3.4', '2001:db8:1:2:3::4'].map(prefixOf), ['10.2.3.4', '2001:db8:1:2::/64']);
  assert.deepEqual(['10.2.3.4', '2001:db8:1:2:3::4'].map(networkOf), ['10.2.3.0/24', '2001:db8:1::/48']);
  assert.deepEqual(['10.2.3.4', '2001:db8:1:2:3::4'].map(regionOf), ['10.2.0.0/16', '2001:db8::/32']);
  assert.equal(bitsOf('0.0.1.0'), 256n);
  assert.equal(bitsOf('nonsense'), undefined);
});

test('the domain of an address', () => {
  assert.deepEqual(['a@B.Test', 'a@b@c.test.', 'postmaster', '', '@'].map(domainOf), ['b.test', 'c.test', '', '', '']);
});

test('a domain met before is the same again, however it is written', () => {
  const domain = fc.stringMatching(/^[A-Za-z0-9.\-\u00c0-\u00df]{0,12}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), domain), { minLength: 1 }), (addresses) => {
      for (const [local, name] of [...addresses, ...addresses]) {
        const lower = name.toLowerCase();
        assert.equal(domainOf(`${local}@${name}`), lower.endsWith('.') ? lower.slice(0, -1) : lower);
      }
    }),
  );
  assert.equal(domainOf('a@Example.TEST.'), domainOf('b@example.test'));
});

test('an address met before is the same again, and two addresses are never one', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 200 }), (addresses) => {
      const canonical = addresses.map((address) => canonicalAddress(address));
      assert.deepEqual(
        addresses.map((address) => canonicalAddress(` ${address}`.slice(1))),
        canonical,
      );
      for (const [at, address] of addresses.entries()) if (isIP(address) === 4) assert.equal(canonical[at], address);
    }),
  );
});
