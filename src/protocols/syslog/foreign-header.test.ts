import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { plainOf } from './foreign-header.ts';
import { readHeader } from './header.ts';
import { createStamps } from './stamps.ts';
import { utcZone } from './zone.ts';

const rest = 'postfix/smtpd[12]: connect from h.test[192.0.2.1]';
const starts: readonly string[] = [
  'Sat 2026-11-21 00:10:31 UTC mx ',
  'Sat 2026-11-21 00:10:31.000000 UTC mx ',
  'Sat 2026-11-21 00:10:31 WET mx ',
  '1795219831.000000 mx ',
  'Sat Nov 21 00:10:31 2026 mail.info ',
  'Nov 21 00:10:31 mail.info mx ',
  'Nov 21 00:10:31 <mail.info> mx ',
  'Nov 21 00:10:31 mx mail.info ',
  'Nov 21 00:10:31 ',
  '2026-11-21T00:10:31+00:00 10.0.0.1 Nov 21 00:10:31 mx ',
  '2026-11-21T00:10:31Z collector.test <22>Nov 21 00:10:31 mx ',
];

test('each has the time and the tag of a plain one', () => {
  for (const start of starts) {
    const line = plainOf(start + rest);
    const stamps = createStamps(utcZone, () => Date.UTC(2026, 10, 22));
    const header = { program: '', pid: '', messageAt: 0 };
    assert.ok(line !== undefined && readHeader(line, stamps, header), start);
    assert.deepEqual([header.program, header.pid], ['postfix/smtpd', '12'], start);
    assert.equal(line.slice(header.messageAt), 'connect from h.test[192.0.2.1]', start);
    assert.equal(stamps.time, Date.UTC(2026, 10, 21, 0, 10, 31), start);
  }
  assert.equal(plainOf(`Nov 1 00:10:31 mx ${rest}`), `Nov  1 00:10:31 mx ${rest}`);
  assert.equal(
    plainOf('1 2026-11-21T00:10:31Z mx postfix/smtpd 12 - - x'),
    '<22>1 2026-11-21T00:10:31Z mx postfix/smtpd 12 - - x',
  );
});

test('a plain one is left alone, and nothing is taken out of a message', () => {
  for (const line of [
    `Nov 21 00:10:31 mx ${rest}`,
    `2026-11-21T00:10:31Z mx ${rest}`,
    `Nov 21 00:10:31 mx app: Nov 21 00:10:31 mx ${rest}`,
    `2026-11-21T00:10:31Z mx app: Nov 21 00:10:31 mx ${rest}`,
    `Nov 21 00:10:31 mx app[3]: mail.info ${rest}`,
    `Subject: Nov 21 00:10:31 ${rest}`,
    '',
  ])
    assert.equal(plainOf(line), undefined, line);
});

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(fc.constantFrom('', ...starts), fc.nat(60), fc.string({ unit: 'binary' }), (start, cut, noise) => {
      plainOf(start.slice(0, cut) + noise);
    }),
  );
});
