import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createExportReader } from './export.ts';

const binary = (text: string): string => {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return `${length.toString('latin1')}${text}`;
};
const entry = (message: string): string =>
  `__CURSOR=s=1\n__REALTIME_TIMESTAMP=1795219831000000\nSYSLOG_IDENTIFIER=postfix/smtpd\n_PID=7\nOTHER=x\n${message}\n\n`;
const readAll = (text: string): unknown[] => {
  const reader = createExportReader();
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => (reader.owns(line) ? reader.read(line) : 'foreign'))
    .filter((read) => read !== 'more');
};
const record = (message: string): unknown => ({ time: 1_795_219_831_000, program: 'postfix/smtpd', pid: '7', message });

test('entries with text and with binary fields, one after the other', () => {
  const text = `${entry('MESSAGE=connect from unknown[192.0.2.1]')}${entry(`MESSAGE\n${binary('a=b\n\nc')}`)}`;
  assert.deepEqual(readAll(text), [record('connect from unknown[192.0.2.1]'), record('a=b  c')]);
});

test('binary data of any bytes and any length, line feeds in the length too', () => {
  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCodePoint(code)),
    maxLength: 30,
  });
  fc.assert(
    fc.property(bytes, (text) => {
      assert.deepEqual(readAll(entry(`MESSAGE\n${binary(text)}`)), [record(text.replaceAll('\n', ' '))]);
    }),
  );
});

test('what is no entry ends it, and the next one is read', () => {
  for (const wrong of ['no field', 'MESSAGE', `X\n${binary('abc')}d`, '=', 'X=1\n'.repeat(300)]) {
    const read = readAll(`__CURSOR=s=1\n${wrong}\n\n${entry('MESSAGE=x')}`);
    assert.ok(read.includes('malformed'), wrong.slice(0, 20));
  }
  assert.deepEqual(readAll(`Nov 21 x\n${entry('MESSAGE=x')}`), ['foreign', record('x')]);
  fc.assert(fc.property(fc.array(fc.string()), (lines) => void readAll(`__CURSOR=1\n${lines.join('\n')}\n`)));
});
