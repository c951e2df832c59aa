import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { encodeAnswer, goOn, parseMessage } from './message.ts';

/** What Dovecot 2.3.19 sent when a client logged in over IMAP. */
const fromDovecot =
  '{"device_id":"","login":"alice@lab.test","protocol":"imap","pwhash":"014f","remote":"127.1.1.1","session_id":"cyXqW75gu9h/AQEB","tls":false}';

test('what Dovecot sends, before and after the password was looked at', () => {
  assert.deepEqual(parseMessage('/?command=allow', fromDovecot), {
    kind: 'message',
    message: {
      command: 'allow',
      login: 'alice@lab.test',
      remote: '127.1.1.1',
      protocol: 'imap',
      sessionId: 'cyXqW75gu9h/AQEB',
      passwordHash: '014f',
      tls: false,
      success: false,
      policyReject: false,
    },
  });
  const report = parseMessage('/?command=report', fromDovecot.replace('}', ',"success":true,"policy_reject":true}'));
  assert.ok(report.kind === 'message' && report.message.success && report.message.policyReject);
});

test('weakforced clients: other attributes are passed over', () => {
  const parsed = parseMessage(
    '/?command=report',
    '{"login":"ncook","remote":"1.2.3.4","pwhash":"1234","success":false,"policy_reject":false,"attrs":{"cos":["basic"]}}',
  );
  assert.ok(parsed.kind === 'message' && parsed.message.login === 'ncook' && !parsed.message.success);
});

test('garbage has a reason', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['/', fromDovecot, 'no-command'],
    ['/?command=drop', fromDovecot, 'no-command'],
    ['/?command=allow', '{', 'not-json'],
    ['/?command=allow', '[]', 'not-an-object'],
    ['/?command=allow', 'null', 'not-an-object'],
    ['/?command=allow', '{"login":1}', 'wrong-type'],
    ['/?command=allow', '{"remote":{}}', 'wrong-type'],
  ];
  for (const [target, body, why] of rows) assert.deepEqual(parseMessage(target, body), { kind: 'garbage', why });
});

test('any JSON and any text is a value, never an error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), fc.string(), (body, query) => {
      for (const target of ['/?command=allow', `/?${query}`]) {
        const parsed = parseMessage(target, body);
        if (parsed.kind === 'message') assert.ok(parsed.message.login.length <= 1024);
      }
    }),
  );
  assert.equal(encodeAnswer(goOn), '{"status":0,"msg":""}');
});
