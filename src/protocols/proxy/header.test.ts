import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { proxyHeader, readProxyHeader } from './header.ts';

const server = { address: '192.0.2.25', port: 25 };

test('version 2: round trip, and at each cut more is wanted', () => {
  for (const address of ['203.0.113.7', '2001:db8::5']) {
    const bytes = Buffer.concat([proxyHeader({ address, port: 4711 }, server), Buffer.from('EHLO')]);
    const length = bytes.length - 4;
    for (let cut = 0; cut < length; cut++) assert.equal(readProxyHeader(bytes.subarray(0, cut)).kind, 'more');
    assert.deepEqual(readProxyHeader(bytes), { kind: 'header', client: { address, port: 4711 }, length });
  }
});

test('version 1, and what is none', () => {
  const rows: readonly (readonly [string, unknown])[] = [
    ['PROXY TCP4 203.0.113.7 192.0.2.25 4711 25\r\n', { address: '203.0.113.7', port: 4711 }],
    ['PROXY TCP6 2001:DB8::5 ::1 4711 25\r\n', { address: '2001:db8::5', port: 4711 }],
    ['PROXY UNKNOWN\r\n', undefined],
  ];
  for (const [line, client] of rows)
    assert.deepEqual(readProxyHeader(Buffer.from(line)), { kind: 'header', client, length: line.length });
  for (const line of [
    'EHLO x\r\n',
    'PROXY TCP4 x y 1 2\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 99999 1\r\n',
    `PROXY ${'a'.repeat(200)}`,
  ])
    assert.equal(readProxyHeader(Buffer.from(line)).kind, 'garbage');
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void readProxyHeader(Buffer.from(bytes))));
});
