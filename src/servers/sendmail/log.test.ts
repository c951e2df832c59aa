import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Event } from '../../model/event.ts';
import { sendmailGrammar } from './log.ts';

const id = '6AL0AVmF010764';
const readAll = (messages: readonly string[], pid = '7'): { events: Event[]; understood: string[] } => {
  const reader = sendmailGrammar.reader();
  const events: Event[] = [];
  const understood = messages.map((message) => reader.read(0, 'sm-mta', pid, message, (event) => events.push(event)));
  return { events, understood };
};
const from = (nrcpts: number, relay = 'h.test [192.0.2.1]', proto = 'ESMTP'): string =>
  `${id}: from=<s@a.test>, size=67, class=0, nrcpts=${nrcpts}, proto=${proto}, daemon=MTA, relay=${relay}`;

test('refusals, logins, floods and early talkers name their client', () => {
  const rows: readonly (readonly [string, Partial<Event>])[] = [
    [
      `${id}: ruleset=check_rcpt, arg1=<x@far.test>, relay=h.test [192.0.2.1], reject=550 5.7.1 <x@far.test>... Relaying denied. Proper authentication required.`,
      { kind: 'recipient', outcome: 'relay-denied', recipient: 'x@far.test', dsn: '5.7.1' },
    ],
    [
      'ruleset=check_relay, arg1=h.test, arg2=192.0.2.1, relay=h.test [192.0.2.1], reject=421 4.3.2 Connection rate limit exceeded.',
      { kind: 'limit', reason: 'connection-rate' },
    ],
    [
      `${id}: ruleset=check_rcpt, arg1=<a@lab.test>, relay=[192.0.2.1], reject=450 4.7.1 <a@lab.test>... come back later`,
      { outcome: 'deferred' },
    ],
    [
      `${id}: ruleset=check_rcpt, arg1=<a@lab.test>, relay=[192.0.2.1], reject=553 5.1.8 <a@lab.test>... Domain of sender address s@gone.test does not exist`,
      { kind: 'recipient', outcome: 'rejected', reason: 'dns', sender: 's@gone.test' },
    ],
    [
      `${id}: ruleset=check_rcpt, arg1=<a@lab.test>, relay=[192.0.2.1], reject=451 4.1.8 <a@lab.test>... Domain of sender address s@slow.test does not resolve`,
      { kind: 'recipient', outcome: 'deferred', reason: 'dns', sender: 's@slow.test' },
    ],
    [
      `${id}: AUTH failure (PLAIN): user not found (-20) SASL(-13): user not found: x, user=a@lab.test, relay=h.test [192.0.2.1]`,
      { kind: 'auth', outcome: 'failure', account: 'a@lab.test', reason: 'unknown-account' },
    ],
    [
      'AUTH=server, relay=h.test [192.0.2.1], authid=a@lab.test, mech=PLAIN, bits=0',
      { kind: 'auth', outcome: 'success', account: 'a@lab.test' },
    ],
    [
      `${id}: rejecting commands from h.test [192.0.2.1] due to pre-greeting traffic after 0 seconds`,
      { kind: 'early-talk' },
    ],
    [
      `${id}: h.test [192.0.2.1] did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA`,
      { kind: 'disconnect', reason: 'no-mail' },
    ],
    [
      `${id}: h.test [192.0.2.1] (may be forged): probable open proxy: command=GET / HTTP/1.1\\r\\n`,
      { kind: 'command-error', reason: 'non-smtp' },
    ],
  ];
  for (const [message, fields] of rows) {
    const { events, understood } = readAll([message]);
    assert.deepEqual([understood[0], events.length], ['event', 1], message);
    for (const [name, value] of Object.entries({ client: '192.0.2.1', ...fields }))
      assert.equal(Reflect.get(events[0] ?? {}, name), value, `${message}: ${name}`);
  }
});

test('an unknown recipient is told when its client is known, with its own words', () => {
  const { events } = readAll([
    `${id}: <nobody@lab.test>... User unknown`,
    `${id}: Too many recipients`,
    from(0, '[IPv6:2001:db8:0:0:0:0:0:5]'),
  ]);
  assert.deepEqual(
    events.map(({ kind, outcome, client, recipient, sender }) => [kind, outcome, client, recipient, sender]),
    [
      ['recipient', 'unknown', '2001:db8::5', 'nobody@lab.test', 's@a.test'],
      ['limit', undefined, '2001:db8::5', undefined, 's@a.test'],
    ],
  );
});

test('deliveries and bounces answer for the login that sent the message', () => {
  const { events } = readAll([
    'AUTH=server, relay=h.test [192.0.2.1], authid=a@lab.test, mech=PLAIN, bits=0',
    from(2, 'h.test [192.0.2.1]', 'ESMTPA'),
    `${id}: to=<n@far.test>,<m@far.test>, ctladdr=<a@lab.test> (1/1), delay=00:00:00, xdelay=00:00:00, mailer=esmtp, pri=1, relay=mx.far.test [192.0.2.9], dsn=5.1.1, reply=550 5.1.1 no, stat=User unknown`,
    `${id}: 6AL0AVmG010764: DSN: User unknown`,
    '6AL0AVmG010764: to=<a@lab.test>, delay=00:00:00, xdelay=00:00:00, mailer=local, pri=1, dsn=2.0.0, stat=Sent',
  ]);
  const told = events.map(({ kind, outcome, account, reason, remote }) => [kind, outcome, account, reason, remote]);
  assert.deepEqual(told, [
    ['auth', 'success', 'a@lab.test', undefined, undefined],
    ['message', undefined, 'a@lab.test', undefined, undefined],
    ['delivery', 'bounced', 'a@lab.test', undefined, true],
    ['delivery', 'bounced', 'a@lab.test', undefined, true],
    ['queue', undefined, 'a@lab.test', 'bounce', undefined],
    ['delivery', 'sent', 'a@lab.test', 'bounce', false],
  ]);
});

test('a script is its user, also behind the hop to the daemon', () => {
  const { events } = readAll([
    `${id}: Authentication-Warning: mx: www-data set sender to ceo@lab.test using -f`,
    `${id}: from=ceo@lab.test, size=39, class=0, nrcpts=1, msgid=<x@y>, relay=www-data@localhost`,
    `${id}: to=n@far.test, ctladdr=www-data (33/33), delay=00:00:00, xdelay=00:00:00, mailer=relay, pri=1, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (6AL0AVmG010764 Message accepted for delivery)`,
    '6AL0AVmG010764: to=<n@far.test>, delay=00:00:00, xdelay=00:00:00, mailer=esmtp, pri=1, relay=mx [192.0.2.9], dsn=2.0.0, stat=Sent (ok)',
  ]);
  assert.deepEqual(
    events.map(({ kind, user }) => [kind, user]),
    [
      ['message', 'www-data'],
      ['delivery', 'www-data'],
    ],
  );
});

test('what a client wrote never becomes the client', () => {
  const innocent = '198.51.100.66';
  const hostile = [
    [
      `${id}: ruleset=check_rcpt, arg1=<x, relay=y [${innocent}], reject=550>, relay=h.test [192.0.2.1], reject=550 5.7.1 <x>... Relaying denied`,
    ],
    [`${id}: AUTH failure (PLAIN): x, user=a, relay=y [${innocent}], relay=h.test [192.0.2.1]`],
    [
      `${id}: <n, relay=y [${innocent}]@lab.test>... User unknown`,
      from(0).replace('<s@a.test>', `<s, relay=y [${innocent}]>`),
    ],
  ];
  for (const lines of hostile) {
    const { events } = readAll(lines);
    assert.ok(events.length > 0, lines[0]);
    for (const event of events) assert.notEqual(event.client, innocent, lines[0]);
  }
});

test('no bytes make it throw', () => {
  const starts = [`${id}: from=`, `${id}: to=`, `${id}: <`, `${id}: ruleset=check_rcpt`, `${id}: AUTH failure`, ''];
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.string({ unit: 'binary' }), (start, noise) => {
      readAll([start + noise, `${start}${noise}, relay=${noise}, delay=, stat=${noise}`, from(1)]);
    }),
  );
});
