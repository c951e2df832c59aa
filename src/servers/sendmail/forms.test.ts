/** A row for each form that Sendmail can write (its format strings, 8.17; op.me, "The system log"). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../model/event.ts';
import { sendmailGrammar } from './log.ts';

const id = '6AL0AVmF010764';
const readAll = (messages: readonly string[]): { events: Event[]; understood: string[] } => {
  const reader = sendmailGrammar.reader();
  const events: Event[] = [];
  const understood = messages.map((message) => reader.read(0, 'sm-mta', '7', message, (event) => events.push(event)));
  return { events, understood };
};
const end = `${id}: from=<s@a.test>, size=67, class=0, nrcpts=0, proto=ESMTP, daemon=MTA, relay=h.test [192.0.2.1]`;

test('what names its client, and what waits for the end of its transaction', () => {
  const rows: readonly (readonly [string, Partial<Event>])[] = [
    [
      `${id}: Milter: to=<n@lab.test>, reject=550 5.7.1 no`,
      { kind: 'recipient', outcome: 'rejected', recipient: 'n@lab.test' },
    ],
    [`${id}: Milter: from=<s@a.test>, reject=451 4.7.1 later`, { kind: 'sender', outcome: 'deferred' }],
    [`${id}: Milter: helo=c.test, reject=550 5.7.1 Command rejected`, { kind: 'helo', outcome: 'rejected' }],
    [`${id}: Milter: cmd=data, reject=550 5.7.1 Command rejected`, { kind: 'other', reason: 'policy' }],
    [`${id}: Milter: data, reject=554 5.7.1 spam`, { kind: 'other', outcome: 'rejected', reason: 'content' }],
    [`${id}: message size (999) exceeds maximum (100)`, { kind: 'other', reason: 'size' }],
    ['Milter: connect: host=h.test, addr=192.0.2.1, rejecting commands', { kind: 'connect', outcome: 'rejected' }],
    ['Milter: connect: host=h.test, addr=192.0.2.1, temp failing commands', { kind: 'connect', outcome: 'deferred' }],
    [`${id}: h.test [192.0.2.1]: SMTP violation, input too long: 4096`, { kind: 'command-error', reason: 'syntax' }],
    [`${id}: POSSIBLE ATTACK from h.test [192.0.2.1]: newline in string "x"`, { kind: 'command-error' }],
    [
      `${id}: unauthorized PIPELINING, sleeping, relay=h.test [192.0.2.1]`,
      { kind: 'command-error', reason: 'pipelining' },
    ],
    [`${id}: rejecting EHLO from h.test [192.0.2.1] due to traffic before response`, { kind: 'early-talk' }],
    [`${id}: invalid domain name (a) from b) from h.test [192.0.2.1]`, { kind: 'command-error', reason: 'syntax' }],
    [
      'STARTTLS=server, error: accept failed=-1, reason=no shared cipher, SSL_error=1, errno=0, retry=-1, relay=h.test [192.0.2.1]',
      { kind: 'tls', outcome: 'failure' },
    ],
    [
      `${id}: ruleset=CheckSubject, arg1=buy, relay=h.test [192.0.2.1], reject=553 5.0.0 Header error`,
      { kind: 'other', outcome: 'rejected', reason: 'content' },
    ],
  ];
  for (const [line, fields] of rows) {
    const { events } = readAll([line, end]);
    assert.ok(events.length > 0, line);
    for (const [name, value] of Object.entries({ client: '192.0.2.1', ...fields }))
      assert.equal(Reflect.get(events[0] ?? {}, name), value, `${line}: ${name}`);
  }
});

test('each refusal says what it means', () => {
  const rcpt = (reply: string): string =>
    `${id}: ruleset=check_rcpt, arg1=<n@lab.test>, relay=h.test [192.0.2.1] (may be forged), reject=${reply}`;
  const login = (why: string): string => `AUTH failure (LOGIN): ${why}, user=user not found, relay=h.test [192.0.2.1]`;
  const rows: readonly (readonly [string, Partial<Event>])[] = [
    [rcpt('550 5.7.1 Rejected: 192.0.2.1 listed at bl.test'), { outcome: 'rejected', reason: 'blocklist' }],
    [rcpt('550 5.7.1 Mail from 192.0.2.1 refused by blackhole site bl.test'), { reason: 'blocklist' }],
    [rcpt('451 4.7.1 Greylisting in action'), { outcome: 'deferred', reason: 'greylist' }],
    [rcpt('450 4.7.1 <n@lab.test>... Relaying temporarily denied. Cannot resolve PTR record'), { reason: 'dns' }],
    [rcpt('550 5.7.1 <n@lab.test>... Relaying denied. IP name lookup failed'), { outcome: 'relay-denied' }],
    [rcpt('550 5.1.1 <n@lab.test>... nobody of this name lives here'), { outcome: 'unknown' }],
    [
      rcpt('550 5.1.1 <n@lab.test>... User unknown'),
      { kind: 'recipient', outcome: 'unknown', recipient: 'n@lab.test' },
    ],
    [
      `${id}: ruleset=check_relay, arg1=h.test, arg2=192.0.2.1, relay=h.test [192.0.2.1], reject=550 5.7.1 Fix reverse DNS for 192.0.2.1`,
      { kind: 'connect', reason: 'dns' },
    ],
    [
      `${id}: ruleset=tls_client, arg1=NO, relay=h.test [192.0.2.1], reject=403 4.7.0 encryption too weak`,
      { kind: 'tls' },
    ],
    [login('user not found (-20) SASL(-13): user not found: checkpass failed'), { reason: 'unknown-account' }],
    [
      login('authentication failure (-13) SASL(-13): authentication failure: checkpass failed'),
      { reason: 'bad-password' },
    ],
    [login('generic failure (-1) SASL(-1): generic failure'), { reason: 'aborted' }],
    [login('bad protocol / cancel (-5)'), { reason: 'aborted', account: 'user not found' }],
    [login('no mechanism available (-4)'), { reason: 'malformed' }],
    ['AUTH failure (PLAIN): user not found (-20), relay=h.test [192.0.2.1]', { reason: 'unknown-account' }],
    ['tcpwrappers (h.test, 192.0.2.1) rejection', { kind: 'connect', outcome: 'rejected' }],
    ['tcpwrappers (h.test, IPv6:2001:db8:0:0:0:0:0:5) rejection', { client: '2001:db8::5' }],
    [`${id}: h.test [192.0.2.1]: possible SMTP attack: command=HELO/EHLO, count=3`, { reason: 'too-many-errors' }],
    [`${id}: h.test [192.0.2.1]: Possible SMTP RCPT flood, shutting down connection.`, { kind: 'limit' }],
    [`${id}: lost input channel from h.test [192.0.2.1] (may be forged) to MTA after rcpt`, { kind: 'disconnect' }],
    [
      `${id}: [192.0.2.1] did not issue MAIL/EXPN/VRFY/ETRN during connection to MSP-v4`,
      { kind: 'disconnect', reason: 'no-mail' },
    ],
    [`${id}: h.test [192.0.2.1]: probable open proxy: command=GET /`, { reason: 'non-smtp' }],
  ];
  for (const [line, fields] of rows) {
    const { events } = readAll([line]);
    assert.equal(events.length, 1, line);
    for (const [name, value] of Object.entries({ client: '192.0.2.1', ...fields }))
      assert.equal(Reflect.get(events[0] ?? {}, name), value, `${line}: ${name}`);
  }
});

test('the tags of its instances', () => {
  for (const tag of ['sm-mta', 'sm-mta-in', 'sm-msp-queue', 'sm-client', 'sendmail', 'sendmail-rx', 'sendmail_out'])
    assert.ok(sendmailGrammar.owns(tag), tag);
  for (const tag of ['sm-notify', 'sendmailanalyzer', 'postfix/sendmail', 'sm-mtax'])
    assert.ok(!sendmailGrammar.owns(tag), tag);
});

test('what a filter refused of an account is the account’s', () => {
  const { events } = readAll([
    'AUTH=server, relay=h.test [192.0.2.1], authid=bob, mech=PLAIN, bits=0',
    `${id}: Milter: data, reject=554 5.7.1 spam`,
    end.replace('=ESMTP,', '=ESMTPA,'),
  ]);
  assert.deepEqual(
    events.map(({ kind, account }) => [kind, account]),
    [
      ['auth', 'bob'],
      ['other', 'bob'],
    ],
  );
});

test('nothing to tell', () => {
  for (const line of [
    `${id}: to=<n@lab.test>, delay=00:00:00, pri=30040, stat=never`,
    `${id}: milter=lab, action=rcpt, reject=550 5.7.1 no`,
    `${id}: Milter (lab): timeout before data read, where=eom`,
    `${id}: Milter delete: rcpt <x>`,
    'Milter: initialization failed, temp failing commands',
    `${id}: "VRFY" command from h.test [192.0.2.1] (bob)`,
    'rejecting connections on daemon MTA: load average: 12',
    'accepting connections again for daemon MTA',
    'ERROR: srv_features=tempfail, relay=h.test [192.0.2.1], access temporarily disabled',
    `${id}: SMTP MAIL command (<x>) from h.test [192.0.2.1] tempfailed (due to previous checks)`,
    'STARTTLS=client, error: connect failed=-1, reason=x, SSL_error=1, errno=0, retry=-1',
    `${id}: ruleset=check_mail, arg1=<x>, relay=h.test [192.0.2.1], discard`,
    `${id}: ruleset=try_tls, relay=mx.y.test [192.0.2.9], reject=550 5.7.1 do not try TLS`,
    `${id}: --- 250 2.1.0 <s@a.test>... Sender ok`,
    `${id}: <-- RCPT TO:<n@lab.test>`,
    `${id}: mx.y.test. [192.0.2.9]: SMTP RCPT protocol error: 250 ok`,
    'tcpwrappers (h.test, x) rejection',
    'started as: /usr/sbin/sendmail -bd -q1h',
    "can't open /proc/loadavg: No such file",
  ])
    assert.deepEqual(readAll([line]), { events: [], understood: ['known'] }, line);
});

test('a failed login whose client has too long a name is told when the session says who it was', () => {
  const name = 'a'.repeat(90);
  const failed = `${id}: AUTH failure (LOGIN): user not found (-20), user=bob, relay=x [198.51.100.66], relay=${name} [192.0.2.`;
  for (const last of [
    `${id}: ${name} [192.0.2.1] did not issue MAIL/EXPN/VRFY/ETRN during connection to MSA`,
    end.replace('h.test', name.slice(0, 80)),
  ]) {
    const { events } = readAll([failed, failed, last]);
    assert.deepEqual(
      events
        .filter(({ kind }) => kind === 'auth')
        .map(({ outcome, reason, client, account, sender }) => [outcome, reason, client, account, sender]),
      Array.from({ length: 2 }, () => [
        'failure',
        'unknown-account',
        '192.0.2.1',
        'bob, relay=x [198.51.100.66]',
        undefined,
      ]),
      last,
    );
  }
});

test('a sender that is too long for its line hides nothing', () => {
  const bait = ', size=1, nrcpts=9, relay=y [198.51.100.66]';
  for (const sender of [`<"${'a'.repeat(198)}`, `<"${bait}${'a'.repeat(198 - bait.length)}`, `<${'a'.repeat(199)}`]) {
    assert.equal(sender.length, 200);
    const { events } = readAll([
      `${id}: <n@lab.test>... User unknown`,
      end.replace('<s@a.test>', sender).replace('nrcpts=0', 'nrcpts=1, msgid=<"x@y.test>'),
    ]);
    assert.deepEqual(
      events.map(({ kind, outcome, client, count }) => [kind, outcome, client, count]),
      [
        ['recipient', 'unknown', '192.0.2.1', undefined],
        ['message', undefined, '192.0.2.1', 1],
      ],
      sender,
    );
  }
});

test('what goes through a smart host is delivered there; the hop to the own daemon is none', () => {
  const to = (relay: string): string =>
    `${id}: to=<n@far.test>, delay=00:00:00, xdelay=00:00:00, mailer=relay, pri=1, relay=${relay}, dsn=2.0.0, stat=Sent (6AL0AVmG010764 Message accepted for delivery)`;
  assert.equal(readAll([to('out.lab.test [192.0.2.9]')]).events[0]?.outcome, 'sent');
  for (const own of ['[127.0.0.1] [127.0.0.1]', 'localhost [IPv6:0:0:0:0:0:0:0:1]'])
    assert.deepEqual(readAll([to(own)]).events, []);
});

test('a sender, a recipient and a message id frame neither a client nor an account', () => {
  const innocent = '198.51.100.66';
  const bait = `, size=1, nrcpts=1, proto=ESMTPA, daemon=MSA, relay=y [${innocent}]`;
  const hostile: readonly (readonly string[])[] = [
    [`${id}: Milter: to=<"x, relay=y [${innocent}]"@lab.test>, reject=550 5.7.1 no`, end],
    [`${id}: Milter: to=<"x, relay=y [${innocent}]"@lab.test>, reject=550 5.7.1 no`],
    [end.replace('<s@a.test>', `<"x${bait}"@a.test>`).replace('nrcpts=0', 'nrcpts=1')],
    [end.replace('nrcpts=0', `nrcpts=1, msgid=<x${bait}>`)],
    [`${id}: invalid domain name (a) from y [${innocent}]) from h.test [192.0.2.1]`],
    [`${id}: mx: SMTP RCPT protocol error: 550 from y [${innocent}]`],
    [`${id}: h.test [192.0.2.1]: possible SMTP attack: command=AUTH, count=3: y [${innocent}]`],
  ];
  for (const lines of hostile) {
    const { events } = readAll(['AUTH=server, relay=h [192.0.2.7], authid=victim, mech=PLAIN, bits=0', ...lines]);
    for (const { client, account } of events.slice(1)) {
      assert.ok(client === '192.0.2.1' || client === undefined, `${client}: ${lines.join('\n')}`);
      assert.equal(account, undefined, lines.join('\n'));
    }
  }
  const hidden = readAll([
    `${id}: to=<"x, delay=0, stat=Sent (ok)"@y.test>, delay=00:00:00, xdelay=00:00:00, mailer=esmtp, pri=1, relay=y [192.0.2.9], dsn=5.1.1, stat=User unknown`,
  ]).events[0];
  assert.equal(hidden?.outcome, 'bounced', 'a recipient cannot make its own bounce look delivered');
});
