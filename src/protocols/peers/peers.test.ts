import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readAccessMap } from './access.ts';
import { readDecisions, readWhitelist } from './crowdsec.ts';
import { readCsfAllow, readCsfConfig, readCsfDeny } from './csf.ts';
import { readBans, readJails } from './fail2ban.ts';
import { together } from './imported.ts';

const now = 1_790_000_000_000;
const seconds = now / 1000;

test('fail2ban: whom it ignores over several lines, which jails are on, who is banned and not over', () => {
  const jails = readJails(
    '[DEFAULT]\n# a remark\nignoreip = 127.0.0.1/8 ::1\n  192.0.2.0/24, relay.example.org\nbantime = 10m\n[postfix]\nenabled = true\nmaxretry=3\n[sshd]\nenabled = false\n',
  );
  assert.deepEqual(jails.allow, ['127.0.0.1/8', '::1', '192.0.2.0/24']);
  assert.equal(jails.skipped.length, 1);
  assert.match(jails.differs.join('\n'), /^jail postfix \(maxretry 3\)/);
  assert.equal(jails.differs.length, 1);
  const row = (ip: string, timeofban: number, bantime: number) => ({ ip, timeofban, bantime });
  const rows = [
    row('203.0.113.7', seconds - 10, 60),
    row('203.0.113.8', seconds - 100, 60),
    row('203.0.113.9', 1, -1),
    row('x', 1, -1),
  ];
  assert.deepEqual(readBans(rows, now).deny, [
    { network: '203.0.113.7', until: now + 50_000 },
    { network: '203.0.113.9', until: undefined },
  ]);
});

test('csf: lists with remarks, includes and finer rules; what its limits mean', () => {
  const allow = readCsfAllow(
    '# head\n192.0.2.1 # office\nInclude /etc/csf/x\ntcp|in|d=25|s=192.0.2.9\n2001:db8::/32\n',
  );
  assert.deepEqual(allow.allow, ['192.0.2.1', '2001:db8::/32']);
  assert.equal(allow.skipped.length, 2);
  assert.deepEqual(readCsfDeny('203.0.113.0/24 # lfd: blocked\n').deny, [
    { network: '203.0.113.0/24', until: undefined },
  ]);
  assert.deepEqual(readCsfConfig('LF_SMTPAUTH = "5"\nLF_POP3D = "0"\nTESTING = "0"\n').differs.length, 1);
});

test('CrowdSec: alerts with decisions, how long each still lasts, and whitelists', () => {
  const text = JSON.stringify([
    {
      decisions: [
        { value: '203.0.113.7', duration: '3h59m12.5s', type: 'ban' },
        { value: 'DE', duration: '1h', type: 'ban' },
      ],
    },
    { value: '203.0.113.8', duration: '-5m', type: 'ban' },
    { value: '203.0.113.9', duration: '1h', type: 'captcha' },
  ]);
  const imported = readDecisions(text, now);
  assert.deepEqual(imported.deny, [
    { network: '203.0.113.7', until: now + (3 * 3600 + 59 * 60 + 12.5) * 1000 },
    ...imported.deny.slice(1),
  ]);
  assert.equal(imported.skipped.length, 2);
  assert.equal(readDecisions('no JSON', now).skipped.length, 1);
  assert.deepEqual(
    readWhitelist('name: mine\nwhitelist:\n  ip:\n    - "192.0.2.1"\n  cidr:\n    - 10.0.0.0/8 # inner\n').allow,
    ['192.0.2.1', '10.0.0.0/8'],
  );
});

test('an access map: octets are networks, other keys are told', () => {
  const imported = readAccessMap(
    '# ours\n203.0.113 REJECT\nConnect:198.51.100.7\tERROR:5.7.1:550 no\n192.0.2.1 OK\nspam.test REJECT\n10.0.0.1 HOLD\n\tcontinued\n',
  );
  assert.deepEqual(
    imported.deny.map(({ network }) => network),
    ['203.0.113.0/24', '198.51.100.7'],
  );
  assert.deepEqual(imported.allow, ['192.0.2.1']);
  assert.equal(imported.skipped.length, 2);
});

test('no text breaks a reader', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('[x]', 'ignoreip =', ' 10.0.0.1', '1.2.3 REJECT', '- "::1"', 'LF_POP3D = "'),
  );
  let read = 0;
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = lines.join('\n');
      const all = together([
        readJails(text),
        readCsfAllow(text),
        readCsfDeny(text),
        readCsfConfig(text),
        readDecisions(text, now),
        readWhitelist(text),
        readAccessMap(text),
      ]);
      read += all.allow.length + all.deny.length + all.skipped.length;
    }),
  );
  assert.ok(read > 0);
});
