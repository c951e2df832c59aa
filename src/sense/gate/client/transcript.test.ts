import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, newTranscript, noteHeard, noteHidden, noteSaid } from './transcript.ts';

test('who said what, line by line; no password; bounded, and the cut is told', () => {
  const transcript = newTranscript();
  noteSaid(transcript, '250-gate.test\r\n250 SIZE\r\n');
  noteHeard(transcript, 'auth plain AGFsaWNlAHNlY3JldA==');
  noteHidden(transcript, 'an answer');
  noteHeard(transcript, `NOOP ${'\u00e9'.repeat(300)}`);
  const lines = ['< 250-gate.test', '< 250 SIZE', '> auth plain (hidden)', '> (an answer)'];
  assert.deepEqual(linesOf(transcript), [...lines, `> NOOP ${'\u00e9'.repeat(195)}`]);

  for (let turn = 0; turn < 1000; turn++) noteHeard(transcript, `RCPT TO:<${turn}@x>`);
  const all = linesOf(transcript);
  assert.ok(all.length > 100 && all.join('\n').length < 4096, `${all.length} lines`);
  assert.deepEqual(all.slice(0, 4), lines);
  assert.equal(all.at(-1), '… and so on');
});

test('what follows an AUTH that was not answered by a challenge is no command to show', () => {
  const transcript = newTranscript();
  for (const line of ['UGFzcw==', 'AUTH LOGIN', 'YWxpY2U=', 'c2VjcmV0', 'quit', 'RSET', 'GET / HTTP/1.1'])
    noteHeard(transcript, line);
  const hidden = '> (an answer to no challenge)';
  const shown = ['> UGFzcw==', '> AUTH LOGIN', hidden, hidden, '> quit', '> RSET', '> GET / HTTP/1.1'];
  assert.deepEqual(linesOf(transcript), shown);
});
