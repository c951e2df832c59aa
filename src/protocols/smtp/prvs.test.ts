import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hashedText, isAhead, readPrvs, writePrvs } from './prvs.ts';

const paths = fc
  .tuple(fc.stringMatching(/^[a-z0-9.+=-]{1,20}$/), fc.domain())
  .map(([local, domain]) => `${local}@${domain}`);
const macs = fc.stringMatching(/^[0-9a-f]{6}$/);

test('a signature round trip, in either case', () => {
  fc.assert(
    fc.property(fc.nat(9), fc.nat(999), macs, paths, (key, day, mac, path) => {
      const prvs = { key, day, mac, path };
      assert.deepEqual(readPrvs(writePrvs(prvs)), prvs);
      const shouted = readPrvs(writePrvs(prvs).toUpperCase());
      assert.ok(shouted !== undefined);
      assert.equal(hashedText(shouted), hashedText(prvs));
    }),
  );
});

test('what is no signature', () => {
  for (const path of [
    '',
    'a@b.test',
    'prvs=1@b.test',
    'prvs=0123abcdef@b.test',
    'prvs=0123abcdeg=a@b.test',
    'prvs=0123abcdef=a',
    'x@prvs=0123abcdef=a@b',
  ])
    assert.equal(readPrvs(path), undefined, path);
  fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => void readPrvs(text)));
});

test('days go round after a thousand', () => {
  const rows: readonly (readonly [number, number, boolean])[] = [
    [7, 20_000, true],
    [0, 20_000, true],
    [8, 20_000, false],
    [999, 20_000, false],
    [3, 20_996, true],
    [996, 20_996, true],
    [4, 20_996, false],
    [995, 20_996, false],
  ];
  for (const [day, today, expected] of rows) assert.equal(isAhead(day, today, 7), expected, `${day} on ${today}`);
});
