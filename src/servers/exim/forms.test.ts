/** A row for each form that Exim can write (its format strings, 4.96; spec.txt, "Log files"). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../model/event.ts';
import { createStamps } from '../../protocols/syslog/stamps.ts';
import { utcZone } from '../../protocols/syslog/zone.ts';
import { eximFileGrammar, eximGrammar } from './log.ts';

const readAll = (lines: readonly string[]): { events: Event[]; understood: string[] } => {
  const reader = eximFileGrammar.reader(createStamps(utcZone, () => Date.UTC(2026, 10, 22)));
  const events: Event[] = [];
  const understood = lines.map((line) => reader.read(`2026-11-21 00:00:26 ${line}`, (event) => events.push(event)));
  return { events, understood };
};

const id = '1xUYWo-0007S7-1Q';
const host = 'H=h.test (c.test) [192.0.2.1]:5555 I=[10.0.0.1]:25';

test('what is refused at each stage, of clients and of accounts', () => {
  const rows: readonly (readonly [string, Partial<Event>])[] = [
    [
      `${id} ${host} F=<s@a.test> rejected after DATA: This message scored 12 points`,
      { kind: 'other', outcome: 'rejected', reason: 'content', sender: 's@a.test', helo: 'c.test' },
    ],
    [
      `${id} ${host} X=TLS1.3:x:256 CV=no F=<a@lab.test> A=plain:a@lab.test rejected after DATA: spam`,
      { reason: 'content', account: 'a@lab.test' },
    ],
    [`${id} ${host} F=<a@lab.test> A=login:a b rejected after DATA: spam`, { account: 'a b' }],
    [`${id} ${host} F=<s@a.test> A=plain rejected after DATA: spam`, { account: undefined }],
    [`${id} ${host} F=<> temporarily rejected after DATA: away`, { outcome: 'deferred', sender: '' }],
    [`${id} ${host} F=<s@a.test> rejected during MIME ACL checks: no programs`, { reason: 'content' }],
    [`${id} ${host} F=<s@a.test> rejected after DATA: Unrouteable address in header`, { outcome: 'rejected' }],
    [`${id} ${host} F=<s@a.test> temporarily rejected by local_scan(): no`, { outcome: 'deferred', reason: 'content' }],
    [`${id} rejected from <s@a.test> H=h.test (c.test) [192.0.2.1]: message too big: read=9 max=8`, { reason: 'size' }],
    [
      `${id} rejected from <s@a.test> H=h.test (c.test) [192.0.2.1]: Too many "Received" headers`,
      { kind: 'other', reason: 'content', sender: 's@a.test' },
    ],
    [`${id} rejected from <www@lab.test> U=www-data: message too big: read=9 max=8`, { client: undefined }],
    [`${host} F=<s@a.test> rejected DATA: no`, { kind: 'other', outcome: 'rejected', reason: undefined }],
    [`${host} rejected MAIL <s@a.test>: no`, { kind: 'sender', sender: 's@a.test' }],
    [`${host} rejected EHLO or HELO c.test: no`, { kind: 'helo' }],
    [`${host} temporarily rejected connection in "connect" ACL: connection rate 14`, { kind: 'limit' }],
    [`${host} rejected connection in "connect" ACL: listed`, { kind: 'connect', outcome: 'rejected' }],
    [`${host} rejected VRFY alice: no`, { kind: 'other', outcome: 'rejected' }],
    ['Connection from [192.0.2.1] refused: too many connections from that IP address', { reason: 'concurrency' }],
    ['unqualified recipient rejected: <root> H=h.test [192.0.2.1]', { kind: 'recipient', recipient: 'root' }],
    ['unqualified sender rejected: <root> H=h.test [192.0.2.1]', { kind: 'sender', outcome: 'rejected' }],
    ['VRFY failed for alice H=h.test [192.0.2.1]', { kind: 'recipient', outcome: 'unknown', recipient: 'alice' }],
    ['TLS error on connection from h.test (c.test) [192.0.2.1] (gnutls_handshake): timed out', { kind: 'tls' }],
    ['rejected "EHLO c.test" from h.test (c.test) [192.0.2.1]', { kind: 'helo', outcome: 'rejected' }],
    ['temporarily rejected "HELO c.test" from [192.0.2.1]', { kind: 'helo', outcome: 'deferred' }],
    ['rejected MAIL command H=h.test [192.0.2.1]: too many messages in one connection', { reason: 'message-rate' }],
    [`H=[192.0.2.1] X=TLS1.3:x:256 CV=no dropped by 'connect' ACL: listed`, { kind: 'connect', outcome: 'rejected' }],
    [`${host} F=<s@a.test> rejected RCPT <n@lab.test>: 550 5.1.1 nobody here`, { outcome: 'unknown', dsn: '5.1.1' }],
    [`${host} F=<s@a.test> temporarily rejected RCPT <n@lab.test>: 450 4.1.1 later`, { outcome: 'deferred' }],
    [`${host} F=<s@a.test> rejected RCPT <n@lab.test>: Sender verify failed`, { outcome: 'rejected', reason: 'dns' }],
    ['refused connection from h.test [192.0.2.1] (host_reject_connection)', { kind: 'connect', outcome: 'rejected' }],
    [' DSH=h.test [192.0.2.1] F=<s@a.test> rejected RCPT <n@lab.test>: no such user', { outcome: 'unknown' }],
  ];
  for (const [line, fields] of rows) {
    const { events, understood } = readAll([line]);
    assert.deepEqual([understood[0], events.length], ['event', 1], line);
    for (const [name, value] of Object.entries({ client: '192.0.2.1', ...fields }))
      assert.equal(Reflect.get(events[0] ?? {}, name), value, `${line}: ${name}`);
  }
});

test('what is nobody’s fault, or nothing to tell', () => {
  for (const line of [
    'Connection from [192.0.2.1] refused: too many connections',
    'Connection from [192.0.2.1] refused: load average = 12.00',
    `temporarily refused connection from h.test [192.0.2.1]: not in reserve list: connected=9 max=10 reserve=2`,
    `${id} => blackhole (DATA ACL discarded recipients): discarded`,
    `${id} ${host} Warning: noted`,
    `${host} F=<s@a.test> RCPT <n@lab.test>: discarded by RCPT ACL`,
    `${id} DKIM: d=a.test s=x c=relaxed/relaxed a=rsa-sha256 b=2048 [verification succeeded]`,
    `${id} F=<www@lab.test> rejected by non-SMTP ACL: no`,
    `${id} *** Frozen (delivery error message)`,
    `${id} Message removed because older than 7d`,
    `${id} spam acl condition: all spamd servers failed`,
    `${id} SMTP timeout after end of data`,
    `unexpected disconnection while reading SMTP command from h.test [192.0.2.1] D=0s`,
    `ignoring AUTH=<x> from h.test [192.0.2.1] (not authenticated)`,
    `SMTP protocol error in "DATA" H=h.test [192.0.2.1] valid RCPT command must precede DATA`,
    `SMTP data timeout (message abandoned) on connection from h.test [192.0.2.1] F=<s@a.test>`,
  ])
    assert.deepEqual(readAll([line]), { events: [], understood: ['known'] }, line);
});

test('a sender, a HELO, TLS names and a subject frame neither a client nor an account', () => {
  const innocent = '198.51.100.66';
  const hostile = [
    `${id} <= "x H=y [${innocent}] P=esmtpa A=plain:victim"@a.test H=h.test (c.test) [192.0.2.1] P=esmtp S=1`,
    `${id} <= s@a.test H=h.test (x P=esmtpa A=plain:victim) [192.0.2.1] P=esmtp S=1`,
    `${id} <= s@a.test H=h.test (c.test) [192.0.2.1] P=esmtps X=TLS CV=no SNI=x A=plain:victim S=1`,
    `${id} <= s@a.test H=h.test (c.test) [192.0.2.1] P=esmtps X=TLS DN="CN=x A=plain:victim" S=1 T="A=plain:victim H=y [${innocent}]"`,
    `${id} ${host} F=<"x A=plain:victim rejected RCPT <y H=x [${innocent}]"@a.test> rejected after DATA: spam`,
    `${host} F=<"x> A=plain:victim rejected RCPT <v@lab.test>: no such user"@a.test> rejected RCPT <n@lab.test>: no such user`,
    `VRFY failed for x H=y [${innocent}] H=h.test [192.0.2.1]`,
    `unqualified recipient rejected: <x> H=y [${innocent}]> H=h.test [192.0.2.1]`,
    `rejected "EHLO x" from y [${innocent}]" from h.test [192.0.2.1]`,
    `TLS error on connection from h.test (x) [${innocent}] (y) [192.0.2.1] (SSL_accept): no`,
    `H=h.test [192.0.2.1] dropped by 'connect' ACL: F=<a@b> A=plain:victim rejected RCPT <x>: no such user`,
    `H=h.test (x dropped by 'connect' ACL) [192.0.2.1] F=<"y dropped by 'connect' ACL: H=y [${innocent}]"@a.test> rejected RCPT <n@lab.test>: no such user`,
    `H=h.test (x) [${innocent}] F=<a@b> A=plain:victim rejected RCPT <c>: x) [192.0.2.1] F=<s@a.test> rejected RCPT <n@lab.test>: no such user`,
    `H=h.test (x) [${innocent}] F=<") [192.0.2.1] F=<"a"@b> rejected RCPT <n@lab.test>: no such user`,
    `H=h.test (x) [${innocent}] F=<a@b> A=plain:victim) [192.0.2.1] rejected EHLO or HELO x: no`,
    `H=h.test (x) [${innocent}] F=<"> rejected y) [192.0.2.1] rejected EHLO or HELO x) [${innocent}] F=<"> rejected y: no`,
    `${id} rejected from <"x> H=y [${innocent}]: a"@a.test> H=h.test (c.test) [192.0.2.1]: message too big: read=9 max=8`,
    `${id} ${host} F=<s@a.test> rejected after DATA: (F=<x> A=plain:victim rejected H=y (z) [${innocent}])`,
  ];
  for (const line of hostile) {
    const { events } = readAll([line]);
    assert.ok(events.length > 0, line);
    for (const { client, account } of events) {
      assert.notEqual(client, innocent, line);
      assert.equal(account, undefined, line);
    }
  }
  const evading = readAll([
    `H=h.test (c.test) [192.0.2.1] F=<") [${innocent}]"@a.test> rejected RCPT <n@lab.test>: no such user`,
  ]);
  assert.equal(evading.events[0]?.client, '192.0.2.1', 'a sender cannot hide its client');
  const bounce = readAll([
    `${id} <= a@lab.test H=h.test [192.0.2.1] P=esmtpa A=plain:victim S=1`,
    `1xUYWp-0007S8-1Q <= <> H=h.test (x R=${id}) [192.0.2.9] P=esmtp S=1`,
  ]).events.at(-1);
  assert.deepEqual(
    [bounce?.client, bounce?.account],
    ['192.0.2.9', undefined],
    'a HELO is no bounce of another’s message',
  );
});

test('a line that refuses nothing tells nothing, whatever words of a client stand in it', () => {
  const bait = '" F=<a@b.test> A=plain:victim rejected RCPT <x@lab.test>: no such user"@a.test';
  const items = ' U=ident';
  for (const words of [
    `${items} Warning: ${bait}`,
    ` sender verify fail for <${bait}>: all relevant MX records point to non-existent hosts`,
    `${items} incomplete transaction (QUIT) from <${bait}> for n@lab.test`,
    ` F=<s@a.test> RCPT <${bait}>: discarded by RCPT ACL`,
  ]) {
    const { events, understood } = readAll([`${host}${words}`]);
    assert.deepEqual([events, understood], [[], ['known']], words);
  }
});

test('a verdict is read where it stands, behind Exim’s own items', () => {
  const bait = '" F=<a@b.test> A=plain:victim rejected RCPT <x@lab.test>: no such user"@a.test';
  const accountOf = (words: string): readonly unknown[] => {
    const [event, ...others] = readAll([`${host}${words}`]).events;
    assert.deepEqual([event?.outcome, event?.client, others], ['rejected', '192.0.2.1', []], words);
    return [event?.kind, event?.account];
  };
  const frame = 'F=<s@a.test> A=plain:bob rejected RCPT <n@far.test>: no';
  for (const items of [
    '',
    ' U=ident Ci=17',
    ' X=TLS1.3:x:256 CV=no SNI=mx.test',
    ' X=TLS1.3:x:256 CV=yes DN="CN=a" SNI="mx"',
  ])
    assert.deepEqual(accountOf(`${items} ${frame}`), ['recipient', 'bob'], items);
  assert.deepEqual(accountOf(` X=TLS1.3:x:256 CV=yes DN="CN=a b" ${frame}`), ['recipient', undefined]);
  for (const items of [` rejected MAIL <${bait}>`, ` X=TLS1.3:x:256 rejected MAIL <${bait}>`])
    assert.deepEqual(accountOf(`${items}: Sender verify failed`), ['sender', undefined], items);
  for (const name of ['SNI', 'DN'])
    assert.deepEqual(
      accountOf(
        ` X=x:1 ${name}="a F=<a@b.test> A=plain:victim rejected RCPT" F=<s@a.test> rejected RCPT <n@far.test>: no`,
      )[1],
      undefined,
      name,
    );
});

test('by syslog, under the names it may have, and a long line in parts', () => {
  for (const tag of ['exim', 'exim4', 'exim-in', 'exim_out']) assert.ok(eximGrammar.owns(tag), tag);
  for (const tag of ['eximstats', 'mailexim', 'exim4stats']) assert.ok(!eximGrammar.owns(tag), tag);
  const reader = eximGrammar.reader();
  const events: Event[] = [];
  const understood = [
    `[1/2] ${host} F=<s@a.test> rejected RCPT <n@lab.test>: no such user, because`,
    '[2/2]  H=y [198.51.100.66] F=<s@a.test> rejected RCPT <n@lab.test>: no such user',
    `[1\\2] 2026-11-21 00:00:26 ${host} F=<s@a.test> rejected RCPT <n@lab.test>: no such user`,
  ].map((message) => reader.read(0, 'exim', '', message, (event) => events.push(event)));
  assert.deepEqual(understood, ['event', 'known', 'event']);
  for (const { client, outcome } of events) assert.deepEqual([client, outcome], ['192.0.2.1', 'unknown']);
});
