import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { innerOf } from './envelope.ts';

const inner = 'Nov 21 00:10:31 mx postfix/smtpd[12]: connect from unknown[192.0.2.1]';

test('what containers and TCP put around a line', () => {
  const rows: readonly string[] = [
    `mail  | ${inner}`,
    `mailserver-1 | ${inner}`,
    `2026-11-21T00:10:31.123456789Z ${inner}`,
    `2026-11-21T00:10:31.123456789+01:00 stdout F ${inner}`,
    `2026-11-21T00:10:31.123456789Z stderr P ${inner}`,
    JSON.stringify({ log: `${inner}\n`, stream: 'stdout', time: '2026-11-21T00:10:31.1Z' }),
  ];
  for (const row of rows) assert.equal(innerOf(row), inner, row);
  assert.equal(innerOf(`70 <22>${inner}`), `<22>${inner}`);
});

test('what is none has nothing inside', () => {
  const rows = [
    '',
    inner,
    ` mail | ${inner}`,
    `Subject: x | ${inner}`,
    `  mail  | ${inner}`,
    `*  Subject  | ${inner}`,
    `70 ${inner}`,
    '{"log":"',
    '{"log":7}',
    '{"log":"x"',
    `{"text":"${inner}"}`,
  ];
  for (const row of rows) assert.equal(innerOf(row), undefined, row);
});

test('no bytes make it throw', () => {
  const starts = ['', '{"log":"', 'mail | ', '2026-11-21T00:10:31.1Z ', '7 <2'];
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.string({ unit: 'binary' }), (start, noise) => {
      innerOf(start + noise);
      innerOf(`${start}${noise}}`);
    }),
  );
});
