import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postfixWiring } from './wiring.ts';

const endpoints = {
  policy: '127.0.0.1:10040',
  milter: '127.0.0.1:10041',
  readsocket: '127.0.0.1:10042',
  authPolicy: '127.0.0.1:10043',
};
const call = 'check_policy_service { inet:127.0.0.1:10040, timeout=3s, default_action=DUNNO }';
const master = [
  '192.0.2.25:25 inet n - n - - smtpd',
  'submission inet n - n - - smtpd -o syslog_name=postfix/submission',
  '192.0.2.24:25 inet n - n - 1 postscreen',
  'cleanup unix n - n - 0 cleanup',
].join('\n');
const read = (parameters: string, overrides = '') =>
  postfixWiring(`mail_version = 3.7.11\ninet_interfaces = all\n${parameters}`, master, overrides, endpoints);

test('with smtpd_delay_reject = yes the early stages are answered at RCPT', () => {
  const { version, services } = read(
    `smtpd_delay_reject = yes\nsmtpd_sender_restrictions = permit_mynetworks, ${call}\nsmtpd_data_restrictions = ${call}`,
  );
  assert.equal(version, '3.7.11');
  assert.deepEqual(
    services.map(({ name, host, port }) => [name, host, port]),
    [
      ['25', '192.0.2.25', 25],
      ['submission', undefined, 587],
    ],
  );
  assert.deepEqual(
    new Map(services[0]?.hooks.get('policy')),
    new Map([
      ['sender', 'with-recipient'],
      ['data', 'configured'],
      ['connect', 'with-recipient'],
      ['helo', 'with-recipient'],
      ['recipient', 'configured'],
    ]),
  );
});

test('without it each stage has its own question; a service may have its own rules', () => {
  const { services } = read(
    `smtpd_delay_reject = no\nsmtpd_client_restrictions = ${call}\nsmtpd_milters = inet:127.0.0.1:10041`,
    'submission/inet/smtpd_client_restrictions = \nsubmission/inet/smtpd_milters = inet:127.0.0.1:100415',
  );
  assert.deepEqual([...(services[0]?.hooks.keys() ?? [])], ['policy', 'milter']);
  assert.deepEqual([...(services[0]?.hooks.get('policy') ?? [])], [['connect', 'configured']]);
  assert.equal(services[1]?.hooks.size, 0);
});

test('behind postscreen an smtpd is dialled where postscreen listens', () => {
  const screened = `${master}\nsmtpd pass - - n - - smtpd`;
  const { services } = postfixWiring(`smtpd_sender_restrictions = ${call}`, screened, '', endpoints);
  const { host, port, hooks } = services.at(-1) ?? {};
  assert.deepEqual([services.length, host, port], [3, '192.0.2.24', 25]);
  assert.ok(hooks?.has('policy'));
});

test('exempt networks, limits that are unset, names that are not looked up', () => {
  const { exempt, lacks } = read(
    [
      'mynetworks = 127.0.0.0/8, 192.0.2.0/24',
      'smtpd_client_connection_rate_limit = 0',
      'smtpd_client_auth_rate_limit = 6',
      'relay_domains = example.org',
      'relay_recipient_maps =',
      'local_recipient_maps =',
    ].join('\n'),
  );
  assert.deepEqual(exempt, ['127.0.0.0/8', '192.0.2.0/24']);
  assert.deepEqual(
    lacks.map(({ id }) => id),
    ['limits', 'recipient-validation'],
  );
  assert.match(lacks[0]?.words ?? '', /^unset: smtpd_client_connection_rate_limit$/);
});
