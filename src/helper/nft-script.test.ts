/** What the helper lets through to nft: our table's own lines and changes of our sets, nothing else, whatever is mixed in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { keySets, removalLines, tableLines } from '../model/firewall.ts';
import { readScript } from './nft-script.ts';

test('our own scripts are read, and what would be blocked is known', () => {
  assert.deepEqual(readScript([...tableLines, ''].join('\n')), { blocked: [] });
  assert.deepEqual(readScript(removalLines.join('\n')), { blocked: [] });
  const refreshed = [
    'add element inet postern block24 { 203.0.113.0, 198.51.100.0 }',
    'delete element inet postern block24 { 203.0.113.0, 198.51.100.0 }',
    'add element inet postern block24 { 203.0.113.0 timeout 60s }',
    'add element inet postern allow32 { 192.0.2.1 timeout 60s }',
  ];
  assert.deepEqual(readScript(refreshed.join('\n'))?.blocked, [{ set: 'block24', network: '203.0.113.0/24' }]);
  const endless = 'add element inet postern block32 { 203.0.113.5, 203.0.113.6 timeout 5s }';
  assert.equal(readScript(endless), undefined, 'what would never end');
  assert.ok(readScript(endless, true) !== undefined);
  const noTimeout = 'add element inet postern block32 { 203.0.113.5 timeout 0s }';
  assert.equal(readScript(noTimeout), undefined, 'nft(8) takes none for it');
  const other = 'add element inet postern block64 { 2001:db8:0:0:: timeout 5s }';
  assert.deepEqual(readScript(other)?.blocked, [{ set: 'block64', network: '2001:db8::/64' }]);
  assert.equal(readScript('add element inet postern block32 { 203.0.113.5 timeout 99999999s }'), undefined);
});

test('one line that is not ours, anywhere, and nothing of it is done', () => {
  const good = fc.constantFrom(
    'add element inet postern block32 { 203.0.113.5 timeout 60s }',
    'delete element inet postern block48 { 2001:db8:: }',
    'add element inet postern block64 { 2001:db8:: timeout 60s comment "A7K2QM" }',
  );
  const bad = fc.oneof(
    fc.constantFrom(
      'flush ruleset',
      'delete table inet filter',
      'add element inet filter block32 { 203.0.113.5 }',
      'add element inet postern block32 { 203.0.113.5 }; flush ruleset',
      'add element inet postern block32 { 203.0.113.0/24 }',
      // 127.0.0.1, and whatever the DNS says.
      'add element inet postern block32 { 2130706433 timeout 60s }',
      'add element inet postern block32 { abc.de timeout 60s }',
      'add element inet postern block32 { 203.0.113.5 timeout 60s } # x',
      'include "/etc/shadow"',
      'delete table inet postern',
      'add rule inet postern mail accept',
      'define x = 1',
    ),
    fc.string({ minLength: 1 }).filter((line) => line.trim() !== '' && !line.includes('\n')),
  );
  let refused = 0;
  fc.assert(
    fc.property(fc.array(good), bad, fc.array(good), fc.boolean(), (before, line, after, withTable) => {
      const script = [...(withTable ? tableLines : []), ...before, line, ...after].join('\n');
      assert.equal(readScript(script), undefined, script);
      assert.ok(readScript([...before, ...after].join('\n')) !== undefined);
      refused++;
    }),
  );
  assert.ok(refused > 0);
  for (const { name } of keySets)
    assert.ok(readScript(`add element inet postern ${name} { 203.0.113.5 timeout 60s }`) !== undefined, name);
});
