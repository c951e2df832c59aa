import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dovecotWiring } from './wiring.ts';

const endpoints = { policy: '', milter: '', readsocket: '', authPolicy: '127.0.0.1:10043' };
const conf = `# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf
auth_policy_server_url = http://127.0.0.1:10043/
auth_failure_delay = 0
disable_plaintext_auth = no
auth_policy_reject_on_fail = yes
listen = 192.0.2.40
protocols = imap pop3 lmtp
service imap-login {
  inet_listener imap {
    port = 1143
  }
}
service pop3-login {
  inet_listener pop3 {
    port = 0
  }
}
`;

test('which ports, whether it asks, and what is to be set', () => {
  const { version, services, lacks } = dovecotWiring(conf, endpoints);
  assert.equal(version, '2.3.19.1');
  assert.deepEqual(
    services.map(({ name, host, port, hooks }) => [name, host, port, hooks.has('authPolicy')]),
    [['imap', '192.0.2.40', 1143, true]],
  );
  assert.deepEqual(
    lacks.map(({ id }) => id),
    ['login-without-tls', 'limits', 'fails-closed'],
  );
});

test('another policy server is not ours', () => {
  const { services } = dovecotWiring(conf.replace(':10043/', ':4001/'), endpoints);
  assert.equal(services[0]?.hooks.size, 0);
});
