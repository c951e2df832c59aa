import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createRequestDecoder, requestBytesMax } from './decoder.ts';
import type { Decoded } from './decoder.ts';
import { encodeRequest } from './request.ts';

const first = 'request=smtpd_access_policy\n';
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const decodeWhole = (text: string): readonly Decoded[] => createRequestDecoder().decode(bytes(text));
const decodeInPieces = (pieces: readonly string[]): Decoded[] => {
  const { decode } = createRequestDecoder();
  return pieces.flatMap((piece) => decode(bytes(piece)));
};

/** One request of exactly so many bytes, the empty line included. */
const requestOf = (length: number): string => {
  const frame = `${first}helo_name=\n\n`;
  return `${first}helo_name=${'h'.repeat(length - frame.length)}\n\n`;
};

test('several requests in one piece come out in order', () => {
  const decoded = decodeWhole(['a', 'b', 'c'].map((sender) => encodeRequest({ sender })).join(''));
  assert.deepEqual(
    decoded.map((one) => one.kind === 'request' && one.request.sender),
    ['a', 'b', 'c'],
  );
});

test('a request without its end is waited for', () => {
  const { decode } = createRequestDecoder();
  assert.deepEqual(decode(bytes(`${first}sender=a\n`)), []);
  assert.equal(decode(bytes('\n')).length, 1);
});

test('an empty line alone is garbage, and what follows is read', () => {
  const decoded = decodeWhole(`\nnonsense\n\n${encodeRequest({ sender: 'a' })}`);
  assert.deepEqual(
    decoded.map(({ kind }) => kind),
    ['garbage', 'garbage', 'request'],
  );
});

test('the longest request is read, one byte more is too large', () => {
  assert.deepEqual(
    decodeWhole(requestOf(requestBytesMax)).map(({ kind }) => kind),
    ['request'],
  );
  assert.deepEqual(decodeWhole(requestOf(requestBytesMax + 1)), [{ kind: 'too-large' }]);
});

test('the limit holds for each request, not for all of them', () => {
  const three = requestOf(requestBytesMax - 1).repeat(3);
  assert.deepEqual(
    decodeWhole(three).map(({ kind }) => kind),
    ['request', 'request', 'request'],
  );
});

test('after a request that was too large nothing is decoded', () => {
  const { decode } = createRequestDecoder();
  assert.deepEqual(decode(bytes('x'.repeat(requestBytesMax + 1))), [{ kind: 'too-large' }]);
  assert.deepEqual(decode(bytes(encodeRequest({ sender: 'a' }))), []);
});

/** Requests, garbage and what lies between, cut at any places. */
const part = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 12 }).map((sender) => encodeRequest({ sender })),
  fc.constantFrom(
    '\n',
    '\n\n',
    '\0',
    'x',
    first,
    'sender=a\n',
    requestOf(requestBytesMax),
    'y'.repeat(requestBytesMax),
  ),
);
const cut = fc
  .tuple(fc.array(part, { maxLength: 8 }), fc.array(fc.nat(3000), { maxLength: 12 }))
  .map(([parts, cuts]) => {
    const text = parts.join('');
    const places = [...new Set([0, ...cuts.map((place) => Math.min(place, text.length)), text.length])].toSorted(
      (a, b) => a - b,
    );
    return { text, pieces: places.slice(1).map((to, at) => text.slice(places[at], to)) };
  });

test('wherever the bytes are cut, the same requests come out', () => {
  fc.assert(
    fc.property(cut, ({ text, pieces }) => {
      assert.equal(pieces.join(''), text);
      assert.deepEqual(decodeInPieces(pieces), decodeWhole(text));
    }),
  );
  const text = `\n${encodeRequest({ sender: 'a' })}junk\n\n${encodeRequest({ sender: 'b' })}`;
  assert.deepEqual(decodeInPieces(text.split('')), decodeWhole(text));
  assert.equal(decodeWhole(text).length, 4);
});

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
      const { decode } = createRequestDecoder();
      for (const chunk of chunks) {
        for (const { kind } of decode(Buffer.from(chunk))) assert.match(kind, /^(request|garbage|too-large)$/);
      }
    }),
  );
});
