import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homeIn, passwordFilesIn, sessionsIn } from './account.ts';

test('sessions, home and password files as Dovecot prints them', () => {
  const who = `username                 # proto (pids)        (ips)
alice@lab.test           2 imap  (311 312)     (203.0.113.9 203.0.113.50)
alice@lab.test           1 pop3  (320)         (2001:db8::1)
`;
  assert.deepEqual(sessionsIn(who), [
    { protocol: 'imap', count: 2, clients: ['203.0.113.9', '203.0.113.50'] },
    { protocol: 'pop3', count: 1, clients: ['2001:db8::1'] },
  ]);
  assert.deepEqual(sessionsIn(''), []);
  assert.equal(
    homeIn('field\tvalue\nuid\t6001\nhome\t/var/spool/vmail/lab.test/alice\n'),
    '/var/spool/vmail/lab.test/alice',
  );
  assert.equal(homeIn('field\tvalue\nhome\trelative\n'), undefined);
  const conf = `passdb {
  args = /etc/dovecot/postern-deny
  deny = yes
  driver = passwd-file
}
passdb {
  args = scheme=PLAIN username_format=%u /etc/dovecot/users
  driver = passwd-file
}
passdb {
  args = /etc/dovecot/dovecot-sql.conf.ext
  driver = sql
}
`;
  assert.deepEqual(passwordFilesIn(conf), ['/etc/dovecot/users']);
});
