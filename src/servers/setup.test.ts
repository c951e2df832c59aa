import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setUpDovecot, setUpExim, setUpPostfix, setUpSendmail } from './setup.ts';
import type { Change } from './setup.ts';

const endpoints = {
  policy: '127.0.0.1:10040',
  milter: '127.0.0.1:10041',
  readsocket: '127.0.0.1:10042',
  authPolicy: '127.0.0.1:10043',
};
const textOf = (change: Change): string => {
  assert.ok(change.kind === 'changed');
  return change.text;
};

test('Postfix: behind the own rules, own networks exempt, no comment taken for a rule; old versions have no braces', () => {
  const call = 'check_policy_service { inet:127.0.0.1:10040, timeout=3s, default_action=DUNNO }';
  assert.match(
    textOf(setUpPostfix('a = b\n', endpoints, 3)),
    new RegExp(`^a = b\n[^]*permit_mynetworks,\n    ${call.replaceAll(/[{}.]/g, '.')}\n`),
  );
  const had = 'smtpd_sender_restrictions =\n  reject_unknown_sender_domain,\n  # ours\n  permit\nlast = x\n';
  const text = textOf(setUpPostfix(had, endpoints, 3));
  assert.ok(
    text.includes(`= reject_unknown_sender_domain,\n    permit_mynetworks,\n    ${call},\n    permit\nlast = x\n`),
    text,
  );
  assert.deepEqual(setUpPostfix(text, endpoints, 3), { kind: 'nothing' });
  const old = textOf(setUpPostfix('', endpoints, 2));
  assert.ok(
    old.includes('check_policy_service inet:127.0.0.1:10040') && old.includes('smtpd_policy_service_timeout = 3s'),
  );
});

test('Sendmail: one filter without F=, and none beside another one', () => {
  const text = textOf(setUpSendmail('V10\nS1\nR$* $1\n', endpoints));
  assert.match(text, /^O InputMailFilters=postern\nXpostern, S=inet:10041@127\.0\.0\.1, T=/m);
  assert.deepEqual(setUpSendmail(text, endpoints), { kind: 'nothing' });
  assert.equal(setUpSendmail('O InputMailFilters=opendkim\n', endpoints).kind, 'by-hand');
});

test('Dovecot: both syntaxes, a nonce, and never a second policy server', () => {
  const text = textOf(setUpDovecot('protocols = imap\n', endpoints, '2.3.19.1', 'salt'));
  assert.ok(text.includes('auth_policy_server_timeout_msecs = 2000') && text.includes('auth_policy_hash_nonce = salt'));
  assert.ok(textOf(setUpDovecot('', endpoints, '2.4.1', 'salt')).includes('http_client_request_absolute_timeout'));
  assert.deepEqual(setUpDovecot(text, endpoints, '2.3.19.1', 'salt'), { kind: 'nothing' });
  assert.equal(setUpDovecot('auth_policy_server_url = http://other/\n', endpoints, '2.4.1', 'x').kind, 'by-hand');
});

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
