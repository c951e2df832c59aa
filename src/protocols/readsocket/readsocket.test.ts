import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { encodeAnswer } from './answer.ts';
import { encodeRequest, parseRequest } from './request.ts';

const bytes = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCodePoint(code)) });

test('round trip, whatever a client wrote into its names', () => {
  fc.assert(
    fc.property(bytes, bytes, bytes, (helo, sender, recipient) => {
      const line = encodeRequest({ stage: 'rcpt', outcome: 'unknown', ip: '192.0.2.1', helo, sender, recipient });
      assert.equal(line.indexOf('\n'), line.length - 1);
      const parsed = parseRequest(line.slice(0, -1));
      assert.ok(parsed.kind === 'request');
      const { request } = parsed;
      assert.deepEqual(
        [request.stage, request.outcome, request.helo, request.sender, request.recipient, request.account],
        ['rcpt', 'unknown', helo, sender, recipient, undefined],
      );
    }),
  );
});

test('garbage has a reason, and what is new is passed over', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['', 'other-version'],
    ['postern2\tstage=rcpt', 'other-version'],
    ['GET / HTTP/1.1', 'other-version'],
    ['postern1\tstage', 'no-equals-sign'],
    ['postern1\tip=MTI3\tip=MTI3', 'twice'],
    ['postern1\tip=127.0.0.1', 'bad-encoding'],
    ['postern1\thelo=abc', 'bad-encoding'],
    ['postern1\tstage=\u0007', 'bad-encoding'],
  ];
  for (const [line, why] of rows) assert.deepEqual(parseRequest(line), { kind: 'garbage', why });
  assert.equal(parseRequest('postern1\tcolour=blue\tstage=rcpt').kind, 'request');
  fc.assert(fc.property(bytes, (line) => void parseRequest(`postern1\t${line}`)));
});

test('an answer is one line, and nothing in it can be taken for another field', () => {
  assert.equal(
    encodeAnswer({ verb: 'deny', message: '550 5.7.1 no', delaySeconds: 2, header: 'X-A: b' }),
    'v=deny msg="550 5.7.1 no" delay=2 hdr="X-A: b"\n',
  );
  fc.assert(
    fc.property(bytes, (text) => {
      const line = encodeAnswer({ verb: 'deny', message: text });
      assert.equal(line.split('"').length, 3);
      assert.equal(line.indexOf('\n'), line.length - 1);
      assert.ok(!line.includes('\\'));
    }),
  );
});
