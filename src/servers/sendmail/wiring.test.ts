import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendmailWiring } from './wiring.ts';

const endpoints = { policy: '', milter: '127.0.0.1:10041', readsocket: '', authPolicy: '' };
const filter = 'Xpostern, S=inet:10041@127.0.0.1, T=C:2s;S:2s;R:5s;E:30s\n';
const cf = `DZ8.17.1.9
O DaemonPortOptions=Family=inet, Name=MTA, Port=25, Addr=192.0.2.27
O DaemonPortOptions=Name=MSA, Port=submission, M=Ea
O MaxRecipientsPerMessage=40
`;

test('the filter is asked when it is named and listed', () => {
  const { version, services, lacks } = sendmailWiring(`${cf}O InputMailFilters=other,postern\n${filter}`, endpoints);
  assert.equal(version, '8.17.1.9');
  assert.deepEqual(
    services.map(({ name, host, port, hooks }) => [name, host, port, hooks.has('milter')]),
    [
      ['MTA', '192.0.2.27', 25, true],
      ['MSA', undefined, 587, true],
    ],
  );
  assert.deepEqual(lacks, [{ id: 'limits', words: 'unset: MaxDaemonChildren, BadRcptThrottle' }]);
});

test('a filter that is not listed, commented or elsewhere is not asked', () => {
  for (const text of [
    `${cf}${filter}`,
    `${cf}#O InputMailFilters=postern\n${filter}`,
    `${cf}O InputMailFilters=postern\n#${filter}`,
    `${cf}O InputMailFilters=postern\nXpostern, S=inet:100410@127.0.0.1\n`,
  ])
    assert.equal(sendmailWiring(text, endpoints).services[0]?.hooks.size, 0, text);
});
