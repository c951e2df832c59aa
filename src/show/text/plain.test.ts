import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { plain, plainJson } from './plain.ts';

/** As a log holds it. */
const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** Control characters, C1 among them: U+009B begins an escape sequence in a terminal that reads UTF-8. */
const drivesTerminal = /\p{Cc}/u;

const hidden = ['\u202e', '\u061c', '\u00ad', '\u200b', '\u2028', '\ufeff', '\ufff9', '\u{e0041}', '\u3164', '\u180e'];

test('what drives a terminal or hides text is shown, whatever the bytes are', () => {
  assert.equal(plain('a\u001b[2J\u0007b'), 'a\\x1b[2J\\x07b');
  assert.equal(plain(bytes('müller')), 'müller');
  assert.equal(plain('\u009b31m\u00ff'), '\\x9b31mÿ', 'bytes that are no UTF-8');
  for (const character of hidden) {
    assert.match(plain(bytes(`x${character}`)), /^x\\(?:x|u\{)[0-9a-f]+\}?$/u);
    assert.match(plainJson(JSON.stringify(character)), /^"(?:\\u[0-9a-f]{4})+"$/u);
  }
  const any = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
  fc.assert(fc.property(any, (text) => !drivesTerminal.test(plain(text))));
});

test('text that was typed or is our own stays as it is: it is no bytes', () => {
  for (const text of ['FILE…', 'ę', 'Список']) assert.equal(plain(text), text);
});

test('a JSON document stays the same document, and holds nothing that drives a terminal', () => {
  const value = fc.jsonValue();
  fc.assert(
    fc.property(value, fc.string({ unit: 'binary' }), (some, text) => {
      const json = JSON.stringify([some, text], undefined, 2);
      const written = plainJson(json);
      assert.deepEqual(JSON.parse(written), JSON.parse(json));
      assert.ok(!drivesTerminal.test(written.replaceAll('\n', '')));
    }),
  );
});
