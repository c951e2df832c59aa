import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eximWiring } from './wiring.ts';

const endpoints = { policy: '', milter: '', readsocket: '127.0.0.1:10042', authPolicy: '' };
const config = (port: string): string => `local_interfaces = <; 192.0.2.26 ; 2001:db8:25::26
daemon_smtp_ports = 25 : submission
recipients_max = 40
acl_smtp_connect = acl_connect
acl_smtp_rcpt = acl_rcpt
acl_smtp_mail = postern_mail

begin acl
  postern_mail:
    warn set acl_c_postern = \${readsocket{inet:127.0.0.1:${port}}{postern1\\tstage=mail\\n}{3s:shutdown=no}{ }{v=accept}}
    accept

  acl_connect:
    require acl = postern_connect
    accept

  acl_rcpt:
    accept hosts = +relay_from_hosts

begin routers
`;

test('a stage is configured when its ACL is ours or asks ours', () => {
  const { services, lacks } = eximWiring(config('10042'), '4.96', endpoints);
  assert.deepEqual(
    services.map(({ host, port }) => [host, port]),
    [
      ['192.0.2.26', 25],
      ['192.0.2.26', 587],
    ],
  );
  assert.deepEqual(
    [...(services[0]?.hooks.get('readsocket') ?? [])],
    [
      ['connect', 'configured'],
      ['sender', 'configured'],
    ],
  );
  assert.deepEqual(lacks, [{ id: 'limits', words: 'unset: smtp_accept_max_per_host' }]);
});

test('ACLs that ask another port are not ours', () => {
  assert.equal(eximWiring(config('10999'), '4.96', endpoints).services[0]?.hooks.size, 0);
});
