/** Several password databases: constructed from Dovecot's format strings (auth-request.c of 2.3 and 2.4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../model/event.ts';
import { dovecotGrammar } from './log.ts';

const newReader = (): ((message: string) => (readonly [string | undefined, string | undefined])[]) => {
  const reader = dovecotGrammar.reader();
  return (message) => {
    const events: Event[] = [];
    reader.read(0, 'dovecot', '', message, (event) => events.push(event));
    return events.map(({ outcome, reason }) => [outcome, reason] as const);
  };
};
const line = (driver: string, session: string, words: string): string =>
  `auth: ${driver}(anna@lab.test,192.0.2.1,<${session}>): ${words}`;
const login = (session: string): string =>
  `imap-login: Login: user=<anna@lab.test>, method=PLAIN, rip=192.0.2.1, lip=127.0.0.1, mpid=7, session=<${session}>`;

test('a database that is not the last says nothing of a login that the next one accepts', () => {
  const read = newReader();
  const next = ' - trying the next passdb';
  assert.deepEqual(read(line('pam', 's1', `unknown user${next}`)), []);
  assert.deepEqual(read(login('s1')), [['success', undefined]]);
  assert.deepEqual(read(line('pam', 's2', `unknown user (SHA1 of given password: 1ab2)${next}`)), []);
  assert.deepEqual(read(line('sql', 's2', 'Password mismatch')), [['failure', 'bad-password']]);
});

test('which one is not the last is learnt where Dovecot does not say it', () => {
  for (const form of [
    line,
    (driver: string, session: string, words: string) =>
      `auth(anna@lab.test,192.0.2.1,sasl:plain)<${session}>: ${driver}: ${words}`,
  ]) {
    const read = newReader();
    assert.equal(read(form('pam', 's1', 'unknown user')).length, 1, 'nobody could know it yet');
    assert.deepEqual(read(form('sql', 's1', 'unknown user')), [['failure', 'unknown-account']]);
    assert.deepEqual(read(form('pam', 's2', 'unknown user')), []);
    assert.deepEqual(read(login('s2')), [['success', undefined]]);
    assert.deepEqual(read(form('pam', 's3', 'unknown user')), []);
    assert.deepEqual(read(form('sql', 's3', 'Password mismatch')), [['failure', 'bad-password']]);
    // Known to the first with another password: the account exists.
    assert.deepEqual(read(form('pam', 's3', 'Password mismatch')), []);
    assert.deepEqual(read(form('sql', 's3', 'unknown user')), [['failure', 'bad-password']]);
    assert.deepEqual(
      read(form('sql', 's4', 'unknown user')),
      [['failure', 'unknown-account']],
      'each login is its own',
    );
  }
});

test('nor can one be the last that did not know who then logs in: of a user’s home, for one', () => {
  const read = newReader();
  assert.equal(read(line('passwd', 's1', 'unknown user')).length, 1, 'nobody could know it yet');
  assert.equal(read(login('s1').replace('anna', 'berta')).length, 1);
  assert.equal(read(line('passwd', 's2', 'unknown user')).length, 1, 'another account has logged in');
  read(login('s2'));
  assert.deepEqual(read(line('passwd', 's3', 'unknown user')), []);
  assert.deepEqual(read(login('s3')), [['success', undefined]]);
  assert.deepEqual(read(line('sql', 's4', 'unknown user (SHA1 of given password: 1ab2) - trying the next userdb')), []);
});

test('one database that fails again and again, before or after a login, stays the last', () => {
  const read = newReader();
  for (const session of ['s1', 's1', 's2', 's2'])
    assert.deepEqual(read(line('sql', session, 'Password mismatch')), [['failure', 'bad-password']]);
  read(login('s2'));
  assert.deepEqual(read(line('sql', 's3', 'unknown user')), [['failure', 'unknown-account']]);
});

test('a mechanism that says no behind a database is none, whoever chooses it', () => {
  const read = newReader();
  for (const session of ['s1', 's2']) {
    assert.deepEqual(read(line('sql', session, 'unknown user')), [['failure', 'unknown-account']]);
    assert.deepEqual(read(line('cram-md5', session, 'Password mismatch')), [['failure', 'bad-password']]);
    const later = `auth(anna@lab.test,192.0.2.1,sasl:cram-md5)<${session}>: Password mismatch`;
    assert.deepEqual(read(later), [['failure', 'bad-password']]);
  }
  assert.deepEqual(read(line('cram-md5', 's3', 'Password mismatch')), [['failure', 'bad-password']]);
  const end = login('s3').replace('Login: ', 'Disconnected (auth failed, 1 attempts in 2 secs): ');
  assert.deepEqual(read(end), [[undefined, undefined]], 'told already');
});
