/**
 * A row for each form of Dovecot's login, auth and lmtp processes: 2.3 from its format strings and from real ones
 * (test/servers), 2.4 from its source alone (login-common, auth).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../model/event.ts';
import { createStamps } from '../../protocols/syslog/stamps.ts';
import { utcZone } from '../../protocols/syslog/zone.ts';
import { dovecotFileGrammar, dovecotGrammar } from './log.ts';

const readAll = (messages: readonly string[]): { events: Event[]; understood: string[] } => {
  const reader = dovecotGrammar.reader();
  const events: Event[] = [];
  const understood = messages.map((message) => reader.read(0, 'dovecot', '', message, (event) => events.push(event)));
  return { events, understood };
};
const tail = 'user=<a@lab.test>, method=PLAIN, rip=192.0.2.1, lip=127.0.0.1, TLS, session=<abc>';

test('how a connection ends without a login, in 2.3 and 2.4', () => {
  const rows: readonly (readonly [string, Partial<Event>])[] = [
    ['Connection closed (auth service reported temporary failure)', { kind: 'auth', reason: 'aborted' }],
    ['Connection closed (auth process communication failure)', { reason: 'aborted' }],
    ['Connection closed (aborted authentication)', { reason: 'aborted' }],
    ["Connection closed (client didn't finish SASL auth, waited 3 secs)", { reason: 'aborted' }],
    ['Connection closed (authorization failed, 1 attempts in 2 secs)', { reason: 'disabled' }],
    ['Connection closed (password expired)', { reason: 'disabled' }],
    ['Connection closed (login disabled)', { reason: 'disabled' }],
    ['Connection closed (sent invalid base64 in response)', { reason: 'malformed' }],
    ['Connection closed (anonymous logins disabled)', { reason: 'malformed' }],
    ['Connection closed (tried to use unsupported auth mechanism)', { reason: 'malformed' }],
    ['Connection closed (tried to use disallowed plaintext auth)', { reason: 'no-tls' }],
    ["Connection closed (cert required, client didn't start TLS)", { reason: 'no-tls' }],
    ['Connection closed (proxy dest auth failed)', { reason: 'bad-password' }],
    ['Login failed: SSL required for authentication', { kind: 'auth', reason: 'no-tls' }],
    ['Login failed: Plaintext authentication disabled', { kind: 'auth', reason: 'no-tls' }],
    ['Login failed: Cleartext authentication disabled', { kind: 'auth', reason: 'no-tls' }],
    ['Too many bad commands', { kind: 'command-error', reason: 'unknown-command' }],
    ['Input buffer full', { kind: 'command-error', reason: 'syntax' }],
    [
      'Connection closed: SSL_accept() failed: error:0A000102 (no auth attempts in 0 secs)',
      { kind: 'tls', outcome: 'failure' },
    ],
    ['Connection closed (internal failure, 1 successful auths)', { kind: 'disconnect' }],
    ['Connection closed (disconnected while authenticating, waited 2 secs)', { kind: 'disconnect' }],
    ['Inactivity (no auth attempts in 180 secs)', { kind: 'disconnect' }],
    ['Connection closed (auth failed, 3 attempts in 9 secs) (auth_failed)', { reason: 'bad-password', count: 3 }],
    ['Connection closed (user disabled, 2 attempts in 9 secs) (user_disabled)', { reason: 'disabled', count: 2 }],
    [
      'Connection closed (tried to use disallowed cleartext auth, 1 attempts in 0 secs) (cleartext_auth_disabled)',
      { reason: 'no-tls' },
    ],
    [
      'Connection closed (auth aborted by client, 1 attempts in 0 secs) (auth_aborted_by_client)',
      { reason: 'aborted' },
    ],
    [
      'Connection closed (connection limit reached, 1/1 successful auths in 0 secs) (connection_limit)',
      { kind: 'limit' },
    ],
    [
      'Connection closed (proxy dest temporary authentication failure, 1 attempts in 0 secs) (proxy_dest_auth_temp_failed)',
      { reason: 'aborted' },
    ],
    [
      'Connection closed (proxy dest authentication failure, 1 attempts in 0 secs) (proxy_dest_auth_failed)',
      { reason: 'bad-password' },
    ],
  ];
  for (const [words, fields] of rows)
    for (const start of ['Disconnected: ', 'Login aborted: ', 'Aborted login: ']) {
      const { events } = readAll([`managesieve-login: ${start}${words}: ${tail}`]);
      assert.equal(events.length, 1, words);
      for (const [name, value] of Object.entries({ client: '192.0.2.1', protocol: 'sieve', ...fields }))
        assert.equal(Reflect.get(events[0] ?? {}, name), value, `${words}: ${name}`);
    }
});

test('logins: 2.3, 2.4 and through a proxy', () => {
  for (const start of [
    'Login: ',
    'Logged in: ',
    'proxy(a@lab.test,10.0.0.1:143): Started proxying to <10.0.0.1>: ',
    'proxy(a@lab.test): started proxying to 10.0.0.1:143: ',
    'proxy(a@lab.test,10.0.0.1:143): Started proxying to <10.0.0.1> (0.003 secs): ',
    'proxy(a@lab.test,[2001:db8::1]:143): Started proxying to <2001:db8::1> (<back.lab.test>) from 10.0.0.9 as user b (master c) (12.003 secs, 2 reconnects): ',
    'proxy(a@lab.test,back.lab.test[10.0.0.1]:143): Started proxying to remote host (0.003 secs): ',
  ]) {
    const { events } = readAll([`submission-login: ${start}${tail}`]);
    assert.deepEqual(
      events.map(({ kind, outcome, account, protocol }) => [kind, outcome, account, protocol]),
      [['auth', 'success', 'a@lab.test', 'submission']],
    );
  }
});

test('a failure behind a proxy is one', () => {
  for (const failed of ['Login failed to 10.0.0.1:143: no', 'Login failed: NO no', 'Login failed as user b: NO no']) {
    const { events } = readAll([
      `imap-login: proxy(a@lab.test,10.0.0.1:143): ${failed}: ${tail}`,
      `imap-login: Disconnected: Connection closed (proxy dest auth failed): ${tail}`,
    ]);
    assert.deepEqual(
      events.map(({ kind, reason }) => [kind, reason]),
      [
        ['auth', 'bad-password'],
        ['disconnect', undefined],
      ],
      failed,
    );
  }
});

test('auth lines: workers, 2.4, and in its own file', () => {
  const worker = 'conn unix:auth-worker (pid=7,uid=100): auth-worker<3>: sql(a@lab.test,192.0.2.1,<abc>): ';
  const rows: readonly (readonly [string, Partial<Event>])[] = [
    [`auth-worker(7): ${worker}unknown user`, { reason: 'unknown-account' }],
    [`auth: ${worker}Password mismatch`, { reason: 'bad-password' }],
    ['auth(a@lab.test,192.0.2.1,sasl:plain)<abc>: passwd-file: Password mismatch', { reason: 'bad-password' }],
    ['auth(a@lab.test,192.0.2.1,sasl:scram-sha-256,master)<abc>: sql: unknown user', { reason: 'unknown-account' }],
    [
      'auth-worker(a@lab.test,192.0.2.1,sasl:login)<77><abc>: request [3]: sql: Password mismatch',
      { reason: 'bad-password' },
    ],
    ['auth(a@lab.test,2001:db8::5,sasl:plain)<abc>: passwd-file: unknown user', { client: '2001:db8::5' }],
  ];
  for (const [message, fields] of rows) {
    const { events, understood } = readAll([message]);
    assert.deepEqual([understood[0], events.length], ['event', 1], message);
    const whole = { client: '192.0.2.1', account: 'a@lab.test', session: 'abc', ...fields };
    for (const [name, value] of Object.entries(whole))
      assert.equal(Reflect.get(events[0] ?? {}, name), value, `${message}: ${name}`);
  }
  const file = dovecotFileGrammar.reader(createStamps(utcZone, () => Date.UTC(2026, 10, 22)));
  const events: Event[] = [];
  file.read('Nov 21 00:10:31 auth(a,192.0.2.1,sasl:plain)<abc>: Info: passwd-file: Password mismatch', (event) =>
    events.push(event),
  );
  assert.deepEqual(
    events.map(({ client, account, reason }) => [client, account, reason]),
    [['192.0.2.1', 'a', 'bad-password']],
  );
});

test('auth lines: every database and its words, and 1.x', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['auth: ', 'pam', 'pam_authenticate() failed: Authentication failure (Password mismatch?)'],
    ['auth(default): ', 'shadow', 'password mismatch'],
    ['auth-worker(default): ', 'sql', 'Password mismatch'],
    ['auth-worker(1234): Info: ', 'sql', 'Password mismatch'],
    ['auth: ', 'ldap', 'Password mismatch (for LDAP bind) (SHA1 of given password: 1ab2)'],
    ['auth: ', 'ldap', 'invalid credentials (given password: x)'],
    ['auth: ', 'ldap', 'Login attempt with empty password'],
    ['auth: ', 'imap', '[AUTHENTICATIONFAILED] Authentication failed.'],
    ['auth: ', 'oauth2', 'oauth2 failed: Introspection failed: token is not valid'],
    ['auth: ', 'winbind', 'user not authenticated: NT_STATUS_LOGON_FAILURE'],
    ['auth: ', 'checkpassword', 'Login failed (status=1)'],
  ];
  for (const [start, driver, words] of rows) {
    const { events } = readAll([`${start}${driver}(a@lab.test,192.0.2.1,<abc>): ${words}`]);
    assert.deepEqual(
      events.map(({ account, client, reason }) => [account, client, reason]),
      [['a@lab.test', '192.0.2.1', 'bad-password']],
      words,
    );
  }
  const others: readonly (readonly [string, Event['reason']])[] = [
    ['auth: checkpassword(a@lab.test,192.0.2.1): User unknown', 'unknown-account'],
    ['auth: passwd(a@lab.test,192.0.2.1,<abc>): unknown user', 'unknown-account'],
    ['auth: passwd-file(a@lab.test,192.0.2.1,<abc>): User found from deny passdb', 'disabled'],
    [
      'auth: pam(a@lab.test,192.0.2.1,<abc>): pam_authenticate() failed: Authentication service cannot retrieve authentication info',
      'aborted',
    ],
    ['auth: pam(a@lab.test,192.0.2.1,<abc>): pam_authenticate() failed: User account has expired', 'disabled'],
    ["auth: shadow(a@lab.test,192.0.2.1,<abc>): invalid password field '!'", 'disabled'],
    ['auth: sql(a@lab.test,192.0.2.1,<abc>): allow_nets check failed: IP 192.0.2.1 not in allowed networks', 'policy'],
    ['auth: policy(a@lab.test,192.0.2.1,<abc>): Authentication failure due to policy server refusal: no', 'policy'],
    ['auth: plain(a@lab.test,192.0.2.1,<abc>): Attempted login with password having illegal chars', 'malformed'],
    [
      'pam_sss(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=a@lab.test rhost=192.0.2.1 user=a@lab.test',
      'bad-password',
    ],
  ];
  for (const [message, reason] of others) {
    const { events } = readAll([message]);
    assert.deepEqual(
      events.map((event) => [event.account, event.client, event.reason]),
      [['a@lab.test', '192.0.2.1', reason]],
      message,
    );
  }
});

test('deliveries: what became of it stands behind the message id', () => {
  const rows: readonly (readonly [string, Partial<Event>])[] = [
    ['msgid=<x@y>: saved mail to INBOX', { outcome: 'sent' }],
    ['msgid=<: save failed to INBOX: Quota exceeded>: saved mail to INBOX', { outcome: 'sent' }],
    ["sieve: msgid=<x@y>: stored mail into mailbox 'INBOX'", { outcome: 'sent' }],
    [
      'msgid=<: saved mail to INBOX>: save failed to INBOX: Quota exceeded (mailbox for user is full)',
      { outcome: 'bounced', dsn: '5.2.2' },
    ],
    ['msgid=<x@y>: save failed to INBOX: Internal error occurred', { outcome: 'deferred' }],
  ];
  for (const [words, fields] of rows) {
    const event = readAll([`lmtp(a@lab.test)<12><xyz>: ${words}`]).events[0] ?? {};
    for (const [name, value] of Object.entries({ kind: 'delivery', recipient: 'a@lab.test', ...fields }))
      assert.equal(Reflect.get(event, name), value, `${words}: ${name}`);
  }
});

test('nothing to tell', () => {
  for (const message of [
    'auth: plain(?,192.0.2.1,<abc>): Username character disallowed by auth_username_chars: 0x5d (username: a])',
    'auth: Warning: auth client 0 disconnected with 1 pending requests: EOF',
    'auth: plain(a,192.0.2.1,<abc>): Request timed out waiting for client to continue authentication (60 secs)',
    'managesieve(a@lab.test)<1><abc>: Disconnected: Logged out bytes=3/9',
    "submission(a@lab.test)<1><abc>: Successfully relayed message: from=<a@b>, size=3, id=x, nrcpt=1, reply=`250 ok'",
    'lmtp(12): Connect from 192.0.2.25',
    'lmtp(12): Disconnect from 192.0.2.25: Logged out (state=READY)',
    'anvil: Warning: x',
    'auth: Error: oauth2(a@lab.test,192.0.2.1,<abc>): oauth2 failed: Introspection failed: connect() failed',
    'auth(a@lab.test,192.0.2.1,sasl:xoauth2)<abc>: Error: oauth2: oauth2 failed: Introspection failed: no answer',
    'auth: Error: pam(a@lab.test,192.0.2.1,<abc>): unknown user (/etc/pam.d/dovecot missing?)',
    'auth: Error: pam(a@lab.test,192.0.2.1,<abc>): pam_acct_mgmt() failed: System error',
    `imap-login: ID sent: name=Login: user=<v>, auth failed, version=1: ${tail}`,
    `imap-login: SSL is disabled (ssl=no): ${tail}`,
    'my-service(a@lab.test)<1><abc>: Error: x',
    'IMAP(a@lab.test): Disconnected: Logged out bytes=3/9',
    'Killed with signal 15 (by pid=1 uid=0)',
    'service=imap, user=a@lab.test, ip=[192.0.2.1]. Logged out in=3 out=9',
    'master: Warning: Killed with signal 15 (by pid=1 uid=0 code=kill)',
  ])
    assert.deepEqual(readAll([message]), { events: [], understood: ['known'] }, message);
});

test('a user name frames nobody and is no login', () => {
  const innocent = '198.51.100.66';
  const fake24 = `x,${innocent},sasl:plain)<y>: passwd-file: Password mismatch`;
  const fake23 = `x,${innocent},<y>): Password mismatch`;
  const hostile = [
    `auth: plain(?,192.0.2.1,<abc>): Username character disallowed by auth_username_chars: 0x2c (username: ${fake23})`,
    `auth(?,192.0.2.1,sasl:plain)<abc>: Username character disallowed by auth_username_chars: 0x2c (username: ${fake24})`,
    `auth: passwd-file(${fake23},192.0.2.1,<abc>): unknown user`,
    `auth: passwd-file(${fake24},192.0.2.1,<abc>): unknown user`,
    `auth(${fake24},192.0.2.1,sasl:plain)<abc>: passwd-file: unknown user`,
    `auth(${fake23},192.0.2.1,sasl:plain)<abc>: passwd-file: unknown user`,
    `auth-worker(9): conn unix:auth-worker (pid=7,uid=100): auth-worker<3>: sql(${fake24},192.0.2.1,<abc>): unknown user`,
    `auth(1): conn unix:auth-worker (pid=7,uid=0): auth-worker<3>: sql(${fake23},192.0.2.1,sasl:plain)<abc>: sql: unknown user`,
    `imap-login: proxy(x): Started proxying to y): Login failed to 10.0.0.1:143: no: user=<x): Started proxying to y>, method=PLAIN, rip=192.0.2.1, lip=127.0.0.1, session=<abc>`,
    `imap-login: proxy(a@x): Started proxying to y (0.003 secs,10.0.0.1:143): Login failed to 10.0.0.1:143: no: user=<a>, method=PLAIN, rip=192.0.2.1, lip=127.0.0.1, session=<abc>`,
    `imap-login: proxy(a@x): Started proxying to y (0.003 secs): user=<v>, ,10.0.0.1:143): Login failed to 10.0.0.1:143: no: user=<a@x): Started proxying to y (0.003 secs): user=<v>, >, method=PLAIN, rip=192.0.2.1, lip=127.0.0.1, session=<abc>`,
    `imap-login: proxy(a): Started proxying to y (0.003 secs): user=<v>, user=<a,10.0.0.1:143): Login failed to 10.0.0.1:143: no: user=<a): Started proxying to y (0.003 secs): user=<v>, user=<a>, method=PLAIN, rip=192.0.2.1, lip=127.0.0.1, session=<abc>`,
    `imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<Login: user=<v>, rip=${innocent}, session=<z>>, method=PLAIN, rip=192.0.2.1, lip=127.0.0.1, session=<abc>`,
  ];
  for (const message of hostile)
    for (const { client, outcome } of readAll([message]).events) {
      assert.equal(client, '192.0.2.1', message);
      assert.notEqual(outcome, 'success', message);
    }
});
