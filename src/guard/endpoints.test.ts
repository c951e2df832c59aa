import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../model/fault.ts';
import { endpointsOf, requirePort } from './endpoints.ts';
import { defaults } from './settings.ts';

test('where a server is told to ask: an IPv6 address in brackets, and nowhere when the hook is off or a path', () => {
  const endpoints = endpointsOf(
    new Map([
      ...defaults,
      ['policy.listen', '[::1]:10040'],
      ['milter.listen', '127.0.0.1:10041'],
      ['readsocket.listen', 'unix:/run/x'],
      ['authPolicy.listen', 'off'],
    ]),
    '/nowhere',
  );
  assert.deepEqual([endpoints.policy, endpoints.milter], ['[::1]:10040', '127.0.0.1:10041']);
  requirePort(endpoints, 'policy');
  for (const hook of ['readsocket', 'authPolicy'] as const) assert.throws(() => requirePort(endpoints, hook), Fault);
});
