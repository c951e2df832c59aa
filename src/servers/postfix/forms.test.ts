/** A row for each form that Postfix's programs can write (their format strings, 3.7; msg(3) for any daemon). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../model/event.ts';
import { postfixGrammar } from './log.ts';

type Row = readonly [line: string, fields: Partial<Event> | 'known'];

const readAll = (lines: readonly string[]): { events: Event[]; understood: string[] } => {
  const reader = postfixGrammar.reader();
  const events: Event[] = [];
  const understood = lines.map((line) => {
    const open = line.indexOf('[');
    const close = line.indexOf(']: ', open);
    return reader.read(
      0,
      `postfix/${line.slice(0, open)}`,
      line.slice(open + 1, close),
      line.slice(close + 3),
      (event) => events.push(event),
    );
  });
  return { events, understood };
};

const checkRows = (rows: readonly Row[]): void => {
  for (const [line, fields] of rows) {
    const { events, understood } = readAll([line]);
    if (fields === 'known') {
      assert.deepEqual([understood[0], events], ['known', []], line);
      continue;
    }
    assert.equal(understood[0], 'event', line);
    for (const [name, value] of Object.entries({ client: '192.0.2.1', ...fields }))
      assert.equal(Reflect.get(events[0] ?? {}, name), value, `${line}: ${name}`);
  }
};

const peer = 'h.test[192.0.2.1]';
const fields = 'from=<s@a.test> to=<n@lab.test> proto=ESMTP helo=<c.test>';

test('smtpd: what it decided', () => {
  checkRows([
    [
      `smtpd[1]: 4ABCDEF: reject: END-OF-MESSAGE from ${peer}: 554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: Access denied; ${fields}`,
      {
        kind: 'other',
        outcome: 'rejected',
        reason: 'content',
        sender: 's@a.test',
        helo: 'c.test',
      },
    ],
    [
      `smtpd[1]: NOQUEUE: reject: RCPT from ${peer}: 554 5.7.1 <n@lab.test>: Recipient address rejected: Access denied; ${fields}`,
      { kind: 'recipient', outcome: 'rejected', recipient: 'n@lab.test', helo: 'c.test' },
    ],
    [
      `smtpd[1]: NOQUEUE: reject: MAIL from ${peer}: 553 5.7.1 <s@a.test>: Sender address rejected: not owned by user bob@lab.test; ${fields}`,
      { kind: 'sender', outcome: 'rejected' },
    ],
    [
      `smtpd[1]: NOQUEUE: milter-reject: CONNECT from ${peer}: 451 4.7.1 Service unavailable - try again later; proto=SMTP`,
      { kind: 'connect', outcome: 'deferred' },
    ],
    [
      `smtpd[1]: NOQUEUE: proxy-reject: END-OF-MESSAGE: 554 5.7.1 spam; ${fields}`,
      { kind: 'other', outcome: 'rejected', reason: 'content', client: undefined },
    ],
    [
      `smtpd[1]: 4ABCDEF: milter-hold: RCPT from ${peer}: milter triggers HOLD action; ${fields}`,
      { kind: 'queue', reason: 'hold' },
    ],
    [`smtpd[1]: NOQUEUE: discard: RCPT from ${peer}: <n>: triggers DISCARD action; ${fields}`, { kind: 'other' }],
    [`smtpd[1]: warning: reject: ETRN lab.test... from ${peer}`, 'known'],
    [`smtpd[1]: warning: bad ETRN lab... from ${peer}`, 'known'],
    [`smtpd[1]: NOQUEUE: reject_warning: RCPT from ${peer}: 554 5.7.1 no; ${fields}`, 'known'],
    [`smtpd[1]: NOQUEUE: filter: RCPT from ${peer}: <n>: triggers FILTER x:y; ${fields}`, 'known'],
    [`smtpd[1]: NOQUEUE: redirect: RCPT from ${peer}: <n>: triggers REDIRECT a@b; ${fields}`, 'known'],
    [`smtpd[1]: proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as 5ABCDEF; ${fields}`, 'known'],
  ]);
});

test('smtpd: sessions, logins, TLS', () => {
  const sasl = (why: string): string =>
    `smtpd[1]: warning: ${peer}: SASL LOGIN authentication failed: ${why}, sasl_username=bob`;
  checkRows([
    [sasl('Temporary authentication failure'), { kind: 'auth', reason: 'aborted' }],
    [sasl('Connection lost to authentication server'), { reason: 'aborted' }],
    [sasl('generic failure'), { reason: 'aborted' }],
    [sasl('bad protocol / cancel'), { reason: 'aborted' }],
    [sasl('authentication failure'), { reason: 'bad-password', account: 'bob' }],
    [sasl('UGFzc3dvcmQ6'), { reason: 'bad-password' }],
    [sasl('user not found'), { reason: 'unknown-account' }],
    [sasl('user account disabled'), { reason: 'disabled' }],
    [sasl('encryption needed to use mechanism'), { reason: 'no-tls' }],
    [sasl('x').replace('=bob', '=temporary aborted'), { reason: 'bad-password', account: 'temporary aborted' }],
    [`smtpd[1]: SSL_accept error from ${peer}: -1`, { kind: 'tls', outcome: 'failure', text: '-1' }],
    [`smtpd[1]: NOQUEUE: abort: TLS from ${peer}: no shared cipher`, { kind: 'tls', outcome: 'failure' }],
    [
      `smtpd[1]: warning: NOQUEUE: malformed BDAT command syntax from ${peer}: BDAT x`,
      { kind: 'command-error', reason: 'syntax' },
    ],
    [
      `smtpd[1]: warning: ${peer} sent message header instead of SMTP command: Subject: x`,
      { kind: 'command-error', reason: 'non-smtp' },
    ],
    [`smtpd[1]: warning: ${peer}: request longer than 2048: EHLO...`, { kind: 'command-error', reason: 'syntax' }],
    [`smtpd[1]: lost connection after DATA (102 bytes) from ${peer}`, 'known'],
    [`smtpd[1]: ${peer}: replacing command "FOO" with "NOOP"`, 'known'],
    [`smtpd[1]: ${peer}: Untrusted: subject_CN=c.test, issuer=x, fingerprint=00`, 'known'],
    ['smtpd[1]: table hash:/etc/postfix/x(0,lock|fold_fix) has changed -- restarting', 'known'],
    ['smtpd[1]: warning: hostname h.test does not resolve to address 192.0.2.1: Name or service not known', 'known'],
    ['smtpd[1]: warning: SASL authentication failure: Password verification failed', 'known'],
    ['smtpd[1]: warning: TLS library problem: error:0A000076:SSL routines::no suitable signature algorithm', 'known'],
    ["smtpd[1]: warning: milter inet:127.0.0.1:1: can't read SMFIC_MAIL reply packet header: Success", 'known'],
  ]);
});

test('logins that were refused before a password was looked at are told at the end, each once', () => {
  const failed = `smtpd[7]: warning: ${peer}: SASL LOGIN authentication failed: UGFzc3dvcmQ6`;
  const end = `smtpd[7]: disconnect from ${peer} ehlo=1 auth=0/2 commands=1/3`;
  const countsOf = (lines: readonly string[]) =>
    readAll(lines).events.flatMap(({ kind, reason, count }) => (kind === 'auth' ? [[reason, count]] : []));
  assert.deepEqual(countsOf([end]), [['aborted', 2]]);
  assert.deepEqual(countsOf([failed, end]), [
    ['bad-password', undefined],
    ['aborted', 1],
  ]);
  assert.equal(countsOf([failed, failed, end]).length, 2, 'told already');
  assert.deepEqual(countsOf([failed, end, end]).at(-1), ['aborted', 2], 'the next session of the process');
  for (const none of ['auth=2 commands=3', 'auth=1/1', 'auth=0/x', 'auth=9'])
    assert.deepEqual(countsOf([`smtpd[7]: disconnect from ${peer} ehlo=1 ${none}`]), [], none);
});

test('postscreen: every test it has; its own load is no fault of a client', () => {
  const at = '[192.0.2.1]:5555';
  checkRows([
    [
      `postscreen[1]: NOQUEUE: reject: RCPT from ${at}: 450 4.3.2 Service currently unavailable; from=<s@a.test>, to=<n@lab.test>, proto=ESMTP, helo=<c>`,
      { kind: 'recipient', outcome: 'deferred', helo: 'c' },
    ],
    [`postscreen[1]: NOQUEUE: reject: CONNECT from ${at}: all server ports busy`, 'known'],
    [`postscreen[1]: reject: connect from ${at}: all screening ports busy`, 'known'],
    [`postscreen[1]: DATA without valid RCPT from ${at}`, { kind: 'command-error', reason: 'syntax' }],
    [`postscreen[1]: BDAT without valid RCPT from ${at}`, { kind: 'command-error', reason: 'syntax' }],
    [`postscreen[1]: BARE NEWLINE from ${at} after EHLO`, { kind: 'command-error', reason: 'bare-newline' }],
    [`postscreen[1]: COMMAND LENGTH LIMIT from ${at} after CONNECT`, { kind: 'command-error', reason: 'syntax' }],
    [`postscreen[1]: COMMAND COUNT LIMIT from ${at} after NOOP`, { kind: 'command-error', reason: 'too-many-errors' }],
    [
      `postscreen[1]: COMMAND PIPELINING from ${at} after MAIL: RCPT TO`,
      { kind: 'command-error', reason: 'pipelining' },
    ],
    [
      `postscreen[1]: NON-SMTP COMMAND from ${at} after CONNECT: GET / HTTP`,
      { kind: 'command-error', reason: 'non-smtp' },
    ],
    [`postscreen[1]: COMMAND TIME LIMIT from ${at} after CONNECT`, 'known'],
    [`postscreen[1]: HANGUP after 0.5 from ${at} in tests before SMTP handshake`, 'known'],
    [`postscreen[1]: DNSBL rank 5 for ${at}`, 'known'],
    ['postscreen[1]: entering STRESS mode with 80 connections', 'known'],
    ['postscreen[1]: leaving STRESS mode with 40 connections', 'known'],
    [`postscreen[1]: ALLOWLIST VETO ${at}`, 'known'],
    [`postscreen[1]: ${at}: replacing command "FOO" with "NOOP"`, 'known'],
    ['postscreen[1]: cache lmdb:/var/lib/postfix/postscreen_cache full cleanup: retained=3 dropped=0 entries', 'known'],
    ['postscreen[1]: warning: dnsblog reply timeout 10s for zen.test', 'known'],
  ]);
});

test('cleanup: header and body checks, milters', () => {
  checkRows([
    [
      `cleanup[1]: 4ABCDEF: reject: header Subject: buy from ${peer}; ${fields}: 5.7.1 spam`,
      {
        kind: 'other',
        outcome: 'rejected',
        reason: 'content',
        dsn: '5.7.1',
        sender: 's@a.test',
        recipient: 'n@lab.test',
      },
    ],
    [
      `cleanup[1]: 4ABCDEF: milter-reject: END-OF-MESSAGE from ${peer}: 4.7.1 try again; ${fields}`,
      { kind: 'other', outcome: 'deferred', reason: 'content' },
    ],
    [
      `cleanup[1]: 4ABCDEF: milter-header-reject: header Subject: x from ${peer}; ${fields}: 5.7.1 no`,
      { kind: 'other', outcome: 'rejected', reason: 'content' },
    ],
    [
      `cleanup[1]: 4ABCDEF: reject: body x from local; from=<www-data@lab.test> to=<n@a.test>: 5.7.1 no`,
      { client: undefined },
    ],
    [`cleanup[1]: 4ABCDEF: hold: header Subject: x from ${peer}; ${fields}: why`, { kind: 'queue', reason: 'hold' }],
    [
      `cleanup[1]: 4ABCDEF: milter-hold: END-OF-MESSAGE from ${peer}: milter triggers HOLD action; ${fields}`,
      { reason: 'hold' },
    ],
    [`cleanup[1]: 4ABCDEF: discard: header Subject: x from ${peer}; ${fields}: why`, { kind: 'other' }],
    [`cleanup[1]: 4ABCDEF: warning: header Subject: x from ${peer}; ${fields}: why`, 'known'],
    [`cleanup[1]: 4ABCDEF: replace: header X: y from ${peer}; ${fields}: X: z`, 'known'],
    [`cleanup[1]: 4ABCDEF: bcc: header X: y from ${peer}; ${fields}: b@c`, 'known'],
    ['cleanup[1]: 4ABCDEF: resent-message-id=<x@y>', 'known'],
    ['cleanup[1]: warning: 4ABCDEF: queue file size limit exceeded', 'known'],
    [
      'cleanup[1]: 4ABCDEF: to=<x@y.test>, relay=none, delay=0, delays=0/0/0/0, dsn=5.7.1, status=bounced (spam)',
      { kind: 'delivery', outcome: 'bounced', client: undefined },
    ],
  ]);
});

test('the queue and the delivery agents', () => {
  checkRows([
    [
      'qmgr[1]: 4ABCDEF: from=<s@a.test>, status=force-expired, returned to sender',
      { outcome: 'expired', client: undefined },
    ],
    [
      'qmgr[1]: 4ABCDEF: to=<x@y.test>, relay=none, delay=0, delays=0/0/0/0, dsn=4.3.5, status=deferred (no transport)',
      { kind: 'delivery', outcome: 'deferred', client: undefined },
    ],
    ['qmgr[1]: warning: mail for y.test is using up 4001 of 6992 active queue entries', 'known'],
    ['bounce[1]: 4ABCDEF: sender delay notification: 5ABCDEF', 'known'],
    ['bounce[1]: 4ABCDEF: sender delivery status notification: 5ABCDEF', 'known'],
    ['bounce[1]: 4ABCDEF: undeliverable postmaster notification discarded', 'known'],
    ['bounce[1]: 4ABCDEF: not sending trace/success notification for double-bounce message', 'known'],
    [
      'smtp[1]: 4ABCDEF: to=<x@y.test>, relay=y[192.0.2.9]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=undeliverable (no)',
      'known',
    ],
    ['smtp[1]: 4ABCDEF: Server certificate not verified', 'known'],
    ['smtp[1]: 4ABCDEF: lost connection with y[192.0.2.9] while sending RCPT TO', 'known'],
    ['smtp[1]: connect to y[192.0.2.9]:25: Connection refused', 'known'],
    ['local[1]: table hash:/etc/aliases has changed -- restarting', 'known'],
    ['pipe[1]: warning: pipe_command_read: read time limit exceeded', 'known'],
    ['pickup[1]: warning: 4ABCDEF: message has been queued for 2 days', 'known'],
    ['postsuper[1]: 4ABCDEF: expired', { kind: 'queue', client: undefined }],
    ['tlsproxy[1]: CONNECT from [192.0.2.1]:5555', 'known'],
    ['anvil[1]: statistics: max connection rate 3/60s for (smtp:192.0.2.1) at Nov 21 03:11:09', 'known'],
    ['dnsblog[1]: addr 192.0.2.1 listed by domain zen.test as 127.0.0.2', 'known'],
    ['verify[1]: cache btree:/x full cleanup: retained=1 dropped=0 entries', 'known'],
  ]);
});

test('what is refused of a message is its account’s', () => {
  const { events } = readAll([
    `submission/smtpd[1]: 4ABCDEF: client=${peer}, sasl_method=PLAIN, sasl_username=bob`,
    `submission/smtpd[1]: 4ABCDEF: reject: END-OF-MESSAGE from ${peer}: 554 5.7.1 no; ${fields}`,
    `cleanup[2]: 4ABCDEF: milter-reject: END-OF-MESSAGE from ${peer}: 5.7.1 no; ${fields}`,
    `cleanup[2]: 4ABCDEF: reject: header Subject: x from ${peer}; ${fields}: 5.7.1 no`,
  ]);
  assert.deepEqual(
    events.slice(1).map(({ kind, outcome, reason, account, client }) => [kind, outcome, reason, account, client]),
    Array.from({ length: 3 }, () => ['other', 'rejected', 'content', 'bob', '192.0.2.1']),
  );
});

test('mail that a local forward sends on is its first sender’s, also after a requeue and before a proxy filter', () => {
  const { events } = readAll([
    `smtpd[1]: 4ABCDEF: client=${peer}`,
    'local[2]: 4ABCDEF: to=<anna@lab.test>, relay=local, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (forwarded as 5ABCDEF)',
    'pickup[3]: 6ABCDEF: uid=104 from=<s@a.test> orig_id=5ABCDEF',
    'smtp[4]: 6ABCDEF: to=<x@y.test>, relay=y[192.0.2.9]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (no)',
    `smtpd[9]: NOQUEUE: client=${peer}, sasl_method=PLAIN, sasl_username=bob`,
    'smtpd[9]: proxy-reject: END-OF-MESSAGE: 554 5.7.1 spam; from=<bob@lab.test> to=<x@y.test> proto=ESMTP helo=<c>',
  ]);
  assert.deepEqual(
    events.slice(1).map(({ kind, client, account, user, origin }) => [kind, client, account, user, origin]),
    [
      ['delivery', '192.0.2.1', undefined, undefined, 'anna@lab.test'],
      ['auth', '192.0.2.1', 'bob', undefined, undefined],
      ['other', '192.0.2.1', 'bob', undefined, undefined],
    ],
  );
});

test('what a client or a local user wrote frames nobody in these forms', () => {
  const innocent = '198.51.100.66';
  const bait = `a from x[${innocent}]; from=<> to=<a@b> proto=SMTP helo=<x> sasl_username=<victim>: 5.7.1 no`;
  const hostile = [
    `cleanup[1]: 4ABCDEF: reject: header Subject: ${bait} from ${peer}; ${fields}: 5.7.1 spam`,
    `cleanup[1]: 4ABCDEF: reject: header Subject: ${bait} from local; from=<www-data@lab.test> to=<n@a.test>: 5.7.1 no`,
    `cleanup[1]: 4ABCDEF: hold: body ${bait} from ${peer}; ${fields}: why`,
    `cleanup[1]: 4ABCDEF: reject: header END-OF-MESSAGE from x[${innocent}]: 5 from ${peer}; ${fields}: 5.7.1 no`,
    `smtpd[1]: NOQUEUE: reject: RCPT from ${peer}: 550 5.1.1 no; from=<s@a.test> to=<n@lab.test> proto=ESMTP helo=<x> sasl_username=<victim>`,
    `smtpd[1]: NOQUEUE: reject: RCPT from ${peer}: 550 5.1.1 <${bait}@lab.test>: Recipient address rejected: no; from=<"> helo=<x> sasl_username=<victim"@a.test> to=<"${bait}"@lab.test> proto=ESMTP helo=<c.test>`,
    `postscreen[1]: NOQUEUE: reject: RCPT from [192.0.2.1]:5: 550 5.7.1 no; from=<"> to=<x"@a>, to=<n@lab.test>, proto=ESMTP, helo=<x> sasl_username=<victim>`,
    `smtpd[1]: SSL_accept error from ${peer}: from x[${innocent}]: -1`,
    `postscreen[1]: COMMAND PIPELINING from [192.0.2.1]:5 after from [${innocent}]:5: x`,
  ];
  for (const line of hostile) {
    const { events } = readAll([line]);
    assert.ok(events.length > 0, line);
    for (const { client, account } of events) {
      assert.ok(client === '192.0.2.1' || client === undefined, `${client}: ${line}`);
      assert.equal(account, undefined, line);
    }
  }
  const requeued = readAll([
    `smtpd[1]: 4ABCDEF: client=${peer}, sasl_method=PLAIN, sasl_username=victim`,
    'pickup[3]: 6ABCDEF: uid=33 from=<x> orig_id=4ABCDEF>',
    'qmgr[3]: 6ABCDEF: from=<x> orig_id=4ABCDEF>, size=3, nrcpt=1 (queue active)',
  ]).events.at(-1);
  assert.deepEqual([requeued?.kind, requeued?.account, requeued?.user], ['message', undefined, '33']);
  const hidden = readAll([
    'smtp[1]: 4ABCDEF: to=<"x>, relay=127.0.0.1[127.0.0.1]:10024, dsn=2.0.0, status=sent (ok)"@y.test>, relay=y[192.0.2.9]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (no)',
  ]).events[0];
  assert.equal(hidden?.outcome, 'bounced', 'a recipient cannot make its own bounce look delivered');
});
