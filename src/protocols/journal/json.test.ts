import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isJournalJson, readJournalJson, readJournalMark } from './json.ts';

const record = {
  __REALTIME_TIMESTAMP: '1795219826123456',
  SYSLOG_IDENTIFIER: 'postfix/smtpd',
  _PID: '12',
  MESSAGE: 'connect from unknown[192.0.2.1]',
};

test('a record, its message as text or as bytes', () => {
  const expected = {
    time: 1_795_219_826_123,
    program: 'postfix/smtpd',
    pid: '12',
    message: 'connect from unknown[192.0.2.1]',
  };
  assert.deepEqual(readJournalJson(JSON.stringify(record)), expected);
  assert.deepEqual(readJournalJson(JSON.stringify({ ...record, MESSAGE: [...Buffer.from(record.MESSAGE)] })), expected);
  assert.ok(isJournalJson(JSON.stringify(record)));
});

test('what is no record is none, and nothing makes it throw', () => {
  for (const line of [
    '{}',
    '{"MESSAGE":1}',
    '{"MESSAGE":"x"}',
    'null',
    '{',
    JSON.stringify({ ...record, MESSAGE: [999] }),
  ])
    assert.equal(readJournalJson(line), undefined, line);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (line) => void readJournalJson(line)));
});

test('where a reader goes on behind a record', () => {
  const line = JSON.stringify({ ...record, __CURSOR: 's=1;i=2' });
  assert.deepEqual(readJournalMark(line), { cursor: 's=1;i=2', microseconds: 1_795_219_826_123_456 });
  // What a client put into the message is no cursor.
  const framed = JSON.stringify({ ...record, MESSAGE: '","__CURSOR":"s=9' });
  for (const none of ['', '[]', 'null', '{', framed, JSON.stringify({ ...record, __CURSOR: 7 })])
    assert.equal(readJournalMark(none), undefined, none);
});
