import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Event } from '../../model/event.ts';
import { dovecotGrammar } from './log.ts';

const readAll = (messages: readonly string[]): { events: Event[]; understood: string[] } => {
  const reader = dovecotGrammar.reader();
  const events: Event[] = [];
  const understood = messages.map((message) => reader.read(0, 'dovecot', '', message, (event) => events.push(event)));
  return { events, understood };
};
const tail = 'method=PLAIN, rip=192.0.2.1, lip=127.0.0.1, session=<abc>';

test('logins and how connections end', () => {
  const rows: readonly (readonly [string, Partial<Event>])[] = [
    [
      `imap-login: Login: user=<a@lab.test>, ${tail}`,
      { kind: 'auth', outcome: 'success', account: 'a@lab.test', protocol: 'imap' },
    ],
    [`imap-login: Info: Login: user=<a@lab.test>, ${tail}`, { kind: 'auth', outcome: 'success' }],
    [
      `pop3-login: Disconnected: Connection closed (auth failed, 3 attempts in 15 secs): user=<a@lab.test>, ${tail}`,
      { kind: 'auth', outcome: 'failure', count: 3, reason: 'bad-password', protocol: 'pop3' },
    ],
    [
      `imap-login: Login aborted: Connection closed (auth failed, 1 attempts in 2 secs) (auth_failed): user=<a@lab.test>, ${tail}`,
      { kind: 'auth', outcome: 'failure', count: undefined },
    ],
    [
      `imap-login: Disconnected: Connection closed (user disabled): user=<a@lab.test>, ${tail}`,
      { kind: 'auth', reason: 'disabled' },
    ],
    [
      `imap-login: Disconnected: Maximum number of connections from user+IP exceeded (mail_max_userip_connections=3): user=<a@lab.test>, ${tail}`,
      { kind: 'limit', reason: 'concurrency' },
    ],
    [
      'imap-login: Disconnected: Connection closed (no auth attempts in 0 secs): user=<>, rip=192.0.2.1, lip=127.0.0.1, session=<abc>',
      { kind: 'disconnect', account: undefined },
    ],
    [
      'auth: passwd-file(a@lab.test,192.0.2.1,<abc>): Password mismatch',
      { kind: 'auth', outcome: 'failure', reason: 'bad-password', session: 'abc' },
    ],
    ['auth: sql(a@lab.test,192.0.2.1): unknown user', { kind: 'auth', reason: 'unknown-account', session: undefined }],
    [
      'auth: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=anna rhost=192.0.2.1  user=anna',
      { kind: 'auth', outcome: 'failure', client: '192.0.2.1', account: 'anna' },
    ],
    [
      'auth: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=x rhost=198.51.100.9 rhost=192.0.2.1',
      { kind: 'auth', outcome: 'failure', client: undefined, account: undefined },
    ],
    [
      'pop3-login: proxy(a@lab.test): Login failed to 10.0.0.1:110: [AUTH] no: user=<a@lab.test>, method=PLAIN, rip=192.0.2.1, lip=127.0.0.1',
      { kind: 'auth', outcome: 'failure', client: '192.0.2.1', account: 'a@lab.test' },
    ],
    [
      'auth: passwd-file(a@lab.test,192.0.2.1,<abc>): Password mismatch (SHA1 of given password: 8843d7)',
      { kind: 'auth', password: '8843d7' },
    ],
    [
      'auth: policy(a@lab.test,192.0.2.1,<abc>): Authentication failure due to policy server refusal: x',
      { kind: 'auth', reason: 'policy' },
    ],
  ];
  for (const [message, fields] of rows) {
    const { events, understood } = readAll([message]);
    assert.deepEqual([understood[0], events.length], ['event', 1], message);
    for (const [name, value] of Object.entries({ client: '192.0.2.1', ...fields }))
      assert.equal(Reflect.get(events[0] ?? {}, name), value, `${message}: ${name}`);
  }
});

test('an attempt that the auth process told is not told again when the connection ends', () => {
  const { events } = readAll([
    'auth: passwd-file(a@lab.test,192.0.2.1,<abc>): Password mismatch',
    `imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<a@lab.test>, ${tail}`,
  ]);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['auth', 'disconnect'],
  );
});

test('a user name never becomes the client', () => {
  const innocent = '198.51.100.66';
  const hostile = [
    `imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<x>, rip=${innocent}, lip=1.1.1.1, session=<y>, ${tail}`,
    `imap-login: Login: user=<x, rip=${innocent}>, ${tail}`,
    `auth: passwd-file(x,${innocent},<y>): Password mismatch,192.0.2.1,<abc>): unknown user`,
  ];
  for (const message of hostile) {
    const { events } = readAll([message]);
    assert.deepEqual(
      events.map(({ client }) => client),
      ['192.0.2.1'],
      message,
    );
  }
  // A plain password in the log says what the client likes.
  const plain = readAll([
    `auth: passwd-file(a,192.0.2.1,<s>): Password mismatch (given password: x,${innocent},<y>): unknown user)`,
  ]);
  assert.deepEqual(
    plain.events.map(({ client, account }) => [client, account]),
    [['192.0.2.1', 'a']],
  );
  // Where a name or a password imitates the mark as well, nothing can be relied on: the login line tells it.
  const unclear = [
    `auth: sql(a,${innocent}): unknown user (given password: x,192.0.2.1,<s>): unknown user (given password: y)`,
    `auth: sql(a,192.0.2.1,<s>): unknown user (given password: x): sql(b,${innocent}): unknown user (given password: y)`,
  ];
  for (const message of unclear) assert.deepEqual(readAll([message]).events, [], message);
});

test('no bytes make it throw', () => {
  const starts = ['imap-login: Disconnected: ', 'auth: passwd-file(', 'lmtp(', 'imap-login: Login: user=<', ''];
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.string({ unit: 'binary' }), (start, noise) => {
      readAll([start + noise, `${start}${noise}, rip=${noise}`]);
    }),
  );
});
