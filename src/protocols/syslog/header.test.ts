import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readHeader } from './header.ts';
import type { Header } from './header.ts';
import { createStamps } from './stamps.ts';
import { localZone, utcZone, zoneOf } from './zone.ts';

const latest = Date.UTC(2026, 10, 21, 12);

type Read = { readonly time: string; readonly program: string; readonly pid: string; readonly message: string };

const readAll = (lines: readonly string[], zone = utcZone, now = latest): (Read | undefined)[] => {
  const stamps = createStamps(zone, () => now);
  const header: Header = { program: '', pid: '', messageAt: 0 };
  return lines.map((line) =>
    readHeader(line, stamps, header)
      ? {
          time: new Date(stamps.time).toISOString(),
          program: header.program,
          pid: header.pid,
          message: line.slice(header.messageAt),
        }
      : undefined,
  );
};
const read = (line: string): Read | undefined => readAll([line])[0];

test('every stamp and tag that a mail log has', () => {
  const expected = { time: '2026-11-21T00:10:31.000Z', program: 'postfix/smtpd', pid: '12', message: 'hello: [x]' };
  const rows: readonly (readonly [string, Partial<Read>])[] = [
    ['Nov 21 00:10:31 mx postfix/smtpd[12]: hello: [x]', {}],
    ['2026-11-21T00:10:31+00:00 mx postfix/smtpd[12]: hello: [x]', {}],
    ['2026-11-21T00:10:31.123456+00:00 mx postfix/smtpd[12]: hello: [x]', { time: '2026-11-21T00:10:31.123Z' }],
    ['2026-11-21T01:10:31+0100 mx postfix/smtpd[12]: hello: [x]', {}],
    ['2026-11-20T22:40:31-01:30 mx postfix/smtpd[12]: hello: [x]', {}],
    ['2026-11-21T00:10:31Z mx postfix/smtpd[12]: hello: [x]', {}],
    ['2026-11-21T00:10:31 mx postfix/smtpd[12]: hello: [x]', {}],
    ['<22>Nov 21 00:10:31 mx postfix/smtpd[12]: hello: [x]', {}],
    ['<22>1 2026-11-21T00:10:31Z mx postfix/smtpd 12 - - hello: [x]', {}],
    ['<22>1 2026-11-21T00:10:31Z mx postfix/smtpd 12 ID [a b="]"][c] hello: [x]', {}],
    ['Nov 21 00:10:31 mx dovecot: hello', { program: 'dovecot', pid: '', message: 'hello' }],
    [
      'Nov  1 00:10:31 mx sm-mta[1]: hi',
      { time: '2026-11-01T00:10:31.000Z', program: 'sm-mta', pid: '1', message: 'hi' },
    ],
  ];
  for (const [line, but] of rows) assert.deepEqual(read(line), { ...expected, ...but }, line);
});

test('what is no header is none', () => {
  const rows = [
    '',
    'hello',
    'Nov 21',
    'Nov 21 00:10:31',
    'Nov 21 00:10:31 mx',
    'Nov 21 25:10:31 mx a: b',
    'Nov 32 00:10:31 mx a: b',
    'Foo 21 00:10:31 mx a: b',
    '2026-13-21T00:10:31Z mx a: b',
    '2026-11-21T00:10:31Zmx a: b',
    '\0'.repeat(40),
    '<22>1 2026-11-21T00:10:31Z mx',
    'Nov 21 00:10:31 mx a[12: b',
  ];
  for (const line of rows) assert.equal(read(line), undefined, JSON.stringify(line));
});

test('the turn of the year, in stream order and when a clock jumps back over it', () => {
  const lines = ['Dec 31 23:59:58', 'Jan  1 00:00:01', 'Dec 31 23:59:59', 'Jan  1 00:00:02'].map(
    (stamp) => `${stamp} mx a: b`,
  );
  const years = readAll(lines, utcZone, Date.UTC(2027, 0, 1, 12)).map((each) => each?.time.slice(0, 4));
  assert.deepEqual(years, ['2026', '2027', '2026', '2027']);
});

test('a stamp later than the file itself belongs to the year before', () => {
  assert.equal(read('Dec 24 18:00:00 mx a: b')?.time, '2025-12-24T18:00:00.000Z');
  assert.equal(read('Nov 21 23:00:00 mx a: b')?.time, '2026-11-21T23:00:00.000Z');
});

test('zones', () => {
  const east = zoneOf('+05:30');
  assert.ok(east !== undefined);
  assert.equal(readAll(['Nov 21 05:30:00 mx a: b'], east)[0]?.time, '2026-11-21T00:00:00.000Z');
  assert.equal(zoneOf('utc'), utcZone);
  assert.equal(zoneOf('local'), localZone);
  assert.equal(localZone.toTime(2026, 7, 1, 12, 0, 0), new Date(2026, 6, 1, 12).getTime());
  for (const name of ['', 'CET', '+25:00', '05:30']) assert.equal(zoneOf(name), undefined);
});

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(60), (noise, at) => {
      const line = '<22>Nov 21 00:10:31 mx postfix/smtpd[12]: hello';
      readAll([noise, line.slice(0, at) + noise + line.slice(at), line.slice(0, at)]);
    }),
  );
});
