import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../change.ts';
import { limitPostfix, setUpPostfix, setUpPostfixMilter } from './setup.ts';

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
  const had = 'smtpd_sender_restrictions =\n  reject_non_fqdn_sender,\n  # ours\n  permit\nlast = x\n';
  const text = textOf(setUpPostfix(had, endpoints, 3));
  assert.ok(text.startsWith(had.replace('  permit\n', `  permit_mynetworks,\n    ${call},\n    permit\n`)), text);
  assert.deepEqual(setUpPostfix(text, endpoints, 3), { kind: 'nothing' });
  const old = textOf(setUpPostfix('', endpoints, 2));
  assert.ok(
    old.includes('check_policy_service inet:127.0.0.1:10040') && old.includes('smtpd_policy_service_timeout = 3s'),
  );
});

test('Postfix: a question a stage it can answer at; what asks already stays', () => {
  const text = textOf(setUpPostfix('', endpoints, 3));
  for (const stage of ['sender', 'data', 'end_of_data', 'etrn'])
    assert.match(text, new RegExp(`^smtpd_${stage}_restrictions = permit_mynetworks`, 'm'));
  assert.ok(!text.includes('smtpd_client_restrictions'), 'answered at RCPT');
  const prompt = textOf(setUpPostfix('smtpd_delay_reject = no\n', endpoints, 3));
  assert.equal(prompt.split('inet:127.0.0.1:10040').length - 1, 7);
  const partly = textOf(setUpPostfix(text.replace(/smtpd_etrn[^]*(?=# postern end)/, ''), endpoints, 3));
  assert.equal(partly, text);
  const commented = '# smtpd_sender_restrictions = check_policy_service inet:127.0.0.1:10040\n';
  assert.equal(setUpPostfix(commented, endpoints, 3).kind, 'changed');
});

test('Postfix: as a milter, before those that are there', () => {
  const text = textOf(setUpPostfixMilter('smtpd_milters = inet:localhost:8891\n', endpoints, 3));
  assert.equal(
    text,
    'smtpd_milters = { inet:127.0.0.1:10041, connect_timeout=2s, command_timeout=5s, content_timeout=30s, default_action=accept },\n    inet:localhost:8891\n',
  );
  assert.equal(setUpPostfixMilter(text, endpoints, 3).kind, 'nothing');
  assert.match(textOf(setUpPostfixMilter('', endpoints, 2)), /^milter_default_action = accept$/m);
});

test('limits of a client are set where the file says nothing of them', () => {
  const limits = { connectionsAtOnce: 20, connectionsPerMinute: 60 };
  const first = limitPostfix('myhostname = a\nsmtpd_client_connection_count_limit = 7\n', limits);
  assert.ok(first.kind === 'changed');
  assert.deepEqual(first.lines, ['smtpd_client_connection_rate_limit = 60']);
  assert.match(first.text, /^smtpd_client_connection_rate_limit = 60$/m);
  assert.equal(limitPostfix(first.text, limits).kind, 'nothing');
  assert.equal(limitPostfix('', { connectionsAtOnce: 0, connectionsPerMinute: 0 }).kind, 'nothing');
});

test('before rules that ask the DNS, unless own networks would pass them now, or one behind them lets somebody pass', () => {
  const valueOf = (own: string): string => {
    const text = textOf(setUpPostfix(`smtpd_sender_restrictions = ${own}\n`, endpoints, 2));
    const value = /^smtpd_sender_restrictions = ((?:.*\n {4})*.*)$/m.exec(text)?.[1] ?? '';
    return value.replaceAll(/,\n +/g, ', ').replace('check_policy_service inet:127.0.0.1:10040', 'ASK');
  };
  const rows = [
    ['permit_mynetworks, reject_unknown_sender_domain', 'permit_mynetworks, ASK, reject_unknown_sender_domain'],
    [
      'check_sender_access hash:/x permit_mynetworks reject_rhsbl_sender dbl.lists.test, permit',
      'check_sender_access hash:/x permit_mynetworks ASK, reject_rhsbl_sender dbl.lists.test, permit',
    ],
    ['reject_unknown_sender_domain', 'reject_unknown_sender_domain, permit_mynetworks, ASK'],
    [
      'permit_mynetworks, reject_unknown_sender_domain, permit_sasl_authenticated',
      'permit_mynetworks, reject_unknown_sender_domain, permit_sasl_authenticated, ASK',
    ],
    [
      'permit_mynetworks, reject_unknown_sender_domain, check_client_access hash:/good',
      'permit_mynetworks, reject_unknown_sender_domain, check_client_access hash:/good, ASK',
    ],
    ['reject_non_fqdn_sender,\tpermit', 'reject_non_fqdn_sender,\tpermit_mynetworks, ASK, permit'],
  ] as const;
  for (const [own, wanted] of rows) assert.equal(valueOf(own), wanted);
});

test('whatever main.cf looks like, what was in it stays and counts', () => {
  const call = 'check_policy_service inet:127.0.0.1:10040';
  const rules = 'smtpd_sender_restrictions = check_sender_access pcre:{{/^a{1,3}@/ REJECT}, {/^b/ OK}}';
  const rows = [
    [`${rules}\r\nlast = x\r\n`, `${rules},\n    permit_mynetworks,\n    ${call}\r\nlast = x\r\n`],
    [
      `${rules}\nsmtp-out_time_limit = 1\n   h\nlast = x\n`,
      `${rules},\n    permit_mynetworks,\n    ${call}\nsmtp-out_time_limit = 1\n   h\nlast = x\n`,
    ],
    [
      'smtpd_sender_restrictions =\n\n# first\n  permit_mynetworks,\n # then, nobody\n  reject_x,\nlast = x\n',
      `smtpd_sender_restrictions =\n\n# first\n  permit_mynetworks,\n # then, nobody\n  reject_x,\n    ${call},\nlast = x\n`,
    ],
    [
      'smtpd_sender_restrictions = a\nsmtpd_sender_restrictions =\n',
      `smtpd_sender_restrictions = a\nsmtpd_sender_restrictions = permit_mynetworks,\n    ${call}\n`,
    ],
  ] as const;
  for (const [main, wanted] of rows) {
    const text = textOf(setUpPostfix(main, endpoints, 2));
    assert.equal(text.slice(0, text.indexOf('# postern begin')), wanted);
    assert.deepEqual(setUpPostfix(text, endpoints, 2), { kind: 'nothing' });
  }
  const commented = '#smtpd_policy_service_timeout = 3s\n#milter_default_action = accept\n';
  assert.match(textOf(setUpPostfix(commented, endpoints, 2)), /^smtpd_policy_service_timeout = 3s$/m);
  assert.match(textOf(setUpPostfixMilter(commented, endpoints, 2)), /^milter_default_action = accept$/m);
  const mine = 'smtpd_sender_restrictions = permit\n # check_policy_service inet:127.0.0.1:10040\n';
  assert.match(textOf(setUpPostfix(mine, endpoints, 2)), /^smtpd_sender_restrictions = permit_mynetworks,\n.*10040,$/m);
});
