import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../change.ts';
import { setUpExim } from './setup.ts';

const textOf = (change: Change): string => {
  assert.ok(change.kind === 'changed');
  return change.text;
};

test('Exim: each stage asks, in its own ACL or in ours', () => {
  const conf = 'acl_smtp_rcpt = acl_check_rcpt\n\nbegin acl\n\nacl_check_rcpt:\n  accept\n\nbegin routers\n';
  const text = textOf(setUpExim(conf, '/etc/exim4/postern.acl'));
  assert.match(text, /^acl_check_rcpt:\n {2}require acl = postern_rcpt\n {2}accept/m);
  assert.match(text, /^acl_smtp_connect = postern_connect\n/m);
  assert.match(text, /^begin acl\n\n\.include \/etc\/exim4\/postern\.acl\n/m);
  assert.deepEqual(setUpExim(text, '/etc/exim4/postern.acl'), { kind: 'nothing' });
  assert.equal(setUpExim('begin routers\n', '/x').kind, 'by-hand');
  assert.equal(setUpExim(conf.replace('= acl_check_rcpt', '= ${if true{a}{b}}'), '/x').kind, 'by-hand');
});
