import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cdbValue } from './exim/cdb.ts';
import { mapFormat, mapFormatNames } from './access-map.ts';

const keyOf = (format: string, subject: string, tag = 'Connect'): string | undefined =>
  mapFormat(format)?.keyOf(subject, tag);

test('the key of a subject in each map, or none where it cannot be told', () => {
  for (const [format, subject, key] of [
    ['postfix-hash', '203.0.113.7', '203.0.113.7'],
    ['postfix-hash', '203.0.113.0/24', '203.0.113'],
    ['postfix-hash', '203.0.113.0/25', undefined],
    ['postfix-lmdb', '2001:DB8:0:0::1', '2001:db8::1'],
    ['postfix-hash', '2001:db8::/64', undefined],
    ['postfix-cidr', '203.0.113.128/25', '203.0.113.128/25'],
    ['postfix-cidr', '2001:db8::/64', '2001:db8::/64'],
    ['sendmail-hash', '203.0.113.7', 'Connect:203.0.113.7'],
    ['sendmail-hash', '203.0.113.0/24', 'Connect:203.0.113'],
    ['sendmail-hash', '2001:db8::/64', 'Connect:IPv6:2001:db8:0:0'],
    ['exim-iplsearch', '2001:db8::/64', '2001:db8::/64'],
    ['exim-iplsearch', 'nobody', undefined],
    ['exim-lsearch', '203.0.113.7', '203.0.113.7'],
    ['exim-cdb', '2001:db8::1/128', '2001.0db8.0000.0000.0000.0000.0000.0001'],
    ['exim-lsearch', '203.0.113.0/24', undefined],
  ] as const)
    assert.equal(keyOf(format, subject), key, `${format} ${subject}`);
  assert.equal(keyOf('sendmail-hash', '203.0.113.7', 'ClientRate'), 'ClientRate:203.0.113.7');
  assert.equal(keyOf('sendmail-hash', '203.0.113.7', 'From'), undefined);
});

test('an entry is found again in its own line, comments and continued lines are none', () => {
  for (const name of mapFormatNames) {
    const format = mapFormat(name);
    const key = format?.keyOf('203.0.113.7', 'Connect') ?? '';
    assert.equal(format?.keyIn(format.lineOf(key, 'REJECT')), key, name);
    for (const line of ['# 203.0.113.7 REJECT', '', ' continued'])
      assert.equal(format?.keyIn(line), undefined, `${name} ${line}`);
  }
  const exim = mapFormat('exim-iplsearch');
  assert.equal(exim?.keyIn(exim.lineOf('2001:db8::/64', 'x')), '2001:db8::/64');
});

test('a cdb is built of the entries of its source', () => {
  const built = mapFormat('exim-cdb')?.build?.('# own\n198.51.100.9: by hand\n203.0.113.7: refused\n');
  assert.ok(built !== undefined);
  assert.deepEqual(
    [cdbValue(built, '203.0.113.7'), cdbValue(built, '198.51.100.9'), cdbValue(built, '#')],
    ['refused', 'by hand', undefined],
  );
});

test("what the map's own tool prints is read", () => {
  const sendmail = mapFormat('sendmail-hash');
  const dump = 'from:spam.test\tREJECT\nconnect:203.0.113.7\tERROR:4.7.1:450 later\n';
  assert.ok(sendmail !== undefined);
  assert.equal(sendmail.answerIn(dump, 'Connect:203.0.113.7'), 'ERROR:4.7.1:450 later');
  assert.equal(sendmail.answerIn(dump, 'Connect:203.0.113'), undefined);
  assert.equal(mapFormat('postfix-hash')?.answerIn('REJECT\n', '203.0.113.7'), 'REJECT');
  assert.equal(mapFormat('postfix-hash')?.answerIn('', '203.0.113.7'), undefined);
});
