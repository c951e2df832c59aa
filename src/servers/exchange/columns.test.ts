/** Heads and columns of the versions, from the documented formats; there is no Exchange here to provoke. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../model/event.ts';
import { createStamps } from '../../protocols/syslog/stamps.ts';
import { utcZone } from '../../protocols/syslog/zone.ts';
import { exchangeGrammar } from './log.ts';

const readAll = (lines: readonly string[]): { events: Event[]; understood: string[] } => {
  const reader = exchangeGrammar.reader(createStamps(utcZone, () => 0));
  const events: Event[] = [];
  return { understood: lines.map((line) => reader.read(line, (event) => events.push(event))), events };
};
const stamp = '2026-11-21T00:10:31.123Z';
const head = (type: string, fields: string): readonly string[] => [
  '\xef\xbb\xbf#Software: Microsoft Exchange Server',
  '#Version: 14.0.0.0',
  `#Log-type: ${type}`,
  `#Date: ${stamp}`,
  `#Fields: ${fields}`,
];
const smtpFields =
  'date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context';

test('SMTP Receive: in its order and in another, quoted, and followed from its middle', () => {
  const inOrder = (mark: string, data: string): string =>
    `${stamp},MX\\Default,08DC01,1,10.0.0.1:25,[2001:db8::5]:5555,${mark},${data},`;
  const quoted = (mark: string, data: string): string =>
    `"${inOrder(mark, data).slice(0, -1).split(',').join('","')}",`;
  const moved = (mark: string, data: string): string =>
    `${stamp},08DC01,${mark},"${data}",[2001:db8::5]:5555,10.0.0.1:25,MX\\Default,1,`;
  const movedFields =
    'date-time,session-id,event,data,remote-endpoint,local-endpoint,connector-id,sequence-number,context';
  for (const [top, line] of [
    [head('SMTP Receive Protocol Log', smtpFields), inOrder],
    [head('SMTP Receive Protocol Log', smtpFields), quoted],
    [head('SMTP Receive Protocol Log', movedFields), moved],
    [[], inOrder],
  ] as const) {
    const { events, understood } = readAll([
      ...top,
      line('+', ''),
      line('<', 'RCPT TO:<n@lab.test>'),
      line('>', '550 5.1.1 User unknown'),
      line('*', 'TLS negotiation failed with error SocketError'),
      line('-', ''),
    ]);
    assert.ok(!understood.includes('unmatched') && !understood.includes('foreign'), understood.join());
    assert.deepEqual(
      events.map(({ kind, outcome, client, recipient }) => [kind, outcome, client, recipient]),
      [
        ['connect', undefined, '2001:db8::5', undefined],
        ['recipient', 'unknown', '2001:db8::5', 'n@lab.test'],
        ['tls', 'failure', '2001:db8::5', undefined],
        ['disconnect', undefined, '2001:db8::5', undefined],
      ],
    );
  }
});

test('what a Send connector writes accuses no server that we send to', () => {
  const line = `${stamp},Out,08DC02,1,10.0.0.1:50123,192.0.2.9:25,+,,`;
  const nearby = `${stamp},Out,08DC02,1,10.0.0.1:25,192.0.2.9:25,+,,`;
  assert.deepEqual(readAll([...head('SMTP Send Protocol Log', smtpFields), nearby]).events, []);
  assert.deepEqual(readAll([line]), { events: [], understood: ['known'] }, 'followed from its middle');
  assert.equal(readAll([nearby]).events.length, 1, 'a client that takes our port as its own is none of ours');
});

test('message tracking of 2010, which has no network-message-id, with its head and without', () => {
  const names =
    'date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,internal-message-id,message-id,recipient-address,recipient-status,total-bytes,recipient-count,related-recipient-address,reference,message-subject,sender-address,return-path,message-info,directionality,tenant-id,original-client-ip,original-server-ip,custom-data';
  const line = (event: string, source: string, status: string): string =>
    `${stamp},192.0.2.1,h.test,10.0.0.5,MX,,Default,${source},${event},4711,<x@a.test>,n@lab.test,${status},900,1,,,"Hello, you",s@a.test,s@a.test,,Incoming,,,,`;
  for (const top of [head('Message Tracking Log', names), []]) {
    const { events } = readAll([...top, line('RECEIVE', 'SMTP', ''), line('FAIL', 'ROUTING', '550 5.1.1 no')]);
    assert.deepEqual(
      events.map(({ kind, outcome, client, sender, recipient, dsn, size }) => [
        kind,
        outcome,
        client,
        sender,
        recipient,
        dsn,
        size,
      ]),
      [
        ['message', undefined, '192.0.2.1', 's@a.test', undefined, undefined, 900],
        ['delivery', 'bounced', '192.0.2.1', 's@a.test', 'n@lab.test', '5.1.1', undefined],
      ],
    );
  }
});

test('IMAP4 and POP3: a login is one when the server says so, of the name that was tried', () => {
  const top = head(
    'IMAP4 Protocol Log',
    'dateTime,sessionId,seqNumber,sIp,cIp,user,duration,rqsize,rpsize,command,parameters,context,puid',
  );
  const line = (user: string, command: string, parameters: string, context: string): string =>
    `${stamp},0000000000000001,2,10.0.0.1:993,203.0.113.9:5555,${user},1,17,21,${command},${parameters},"${context.replaceAll('"', '""')}",`;
  const rows: readonly (readonly [readonly string[], readonly (string | undefined)[]])[] = [
    [[line('', 'login', 'anna *****', 'R="a2 NO LOGIN failed."')], ['failure', 'bad-password', 'anna', 'imap']],
    [[line('', 'login', ' *****', 'R="a2 NO LOGIN failed."')], ['failure', 'bad-password', undefined, 'imap']],
    [[line('anna', 'login', 'anna *****', 'R=OK')], ['success', undefined, 'anna', 'imap']],
    [
      [line('anna', 'login', 'anna *****', 'R="1 NO LOGIN failed.";Msg="AuthFailed:UserDisabled,User:anna"')],
      ['failure', 'disabled', 'anna', 'imap'],
    ],
    [
      [
        line('', 'user', 'anna', 'R=ok'),
        line('', 'pass', '*****', 'R="-ERR Logon failure: unknown user name or bad password."'),
      ],
      ['failure', 'bad-password', 'anna', 'pop3'],
    ],
    [
      [line('', 'user', 'anna', 'R=ok'), line('anna', 'pass', '*****', 'R=ok')],
      ['success', undefined, 'anna', 'pop3'],
    ],
  ];
  for (const [lines, fields] of rows) {
    const { events } = readAll([...top, ...lines]);
    assert.deepEqual(
      events.map(({ outcome, reason, account, protocol }) => [outcome, reason, account, protocol]),
      [fields],
      lines.join('\n'),
    );
  }
  for (const quiet of [
    line('', 'authenticate', 'PLAIN', ''),
    line('', 'OpenSession', '', ''),
    line('', 'capability', '', 'R=OK'),
  ])
    assert.deepEqual(readAll([...top, quiet]).events, [], quiet);
  const other = head('HTTP Proxy Logs', 'DateTime,RequestId,MajorVersion,MinorVersion');
  assert.deepEqual(
    readAll([...other, `${stamp},1,15,2,,,,,,login,anna *****,R=OK`]).events,
    [],
    'another log of Exchange',
  );
});

test('a client that a front end hands on is the client, once Exchange takes it', () => {
  const line = (mark: string, data: string): string =>
    `${stamp},MX\\Default,08DC01,1,10.0.0.1:2525,10.0.0.9:5555,${mark},${data},`;
  const clientsOf = (lines: readonly string[]): readonly (string | undefined)[] =>
    readAll([...head('SMTP Receive Protocol Log', smtpFields), ...lines]).events.map(({ client }) => client);
  const asked = [
    line('<', 'XPROXYFROM SID=08DC7 IP=203.0.113.7 PORT=1234 DOMAIN=c.test SEQNUM=1 PERMS=0 AUTHSRC=Anonymous'),
    line('<', 'MAIL FROM:<s@a.test>'),
    line('<', 'RCPT TO:<n@lab.test>'),
  ];
  const answers = [line('>', '250 2.1.0 Sender OK'), line('>', '550 5.1.10 RecipientNotFound')];
  assert.deepEqual(clientsOf([...asked, line('>', '250 XProxyFrom accepted'), ...answers]), ['203.0.113.7']);
  for (const refusal of [
    '500 5.3.3 Unrecognized command',
    '550 5.7.1 Not authorized',
    '250 2.6.0 <XProxyFrom accepted@a.test> [InternalId=1] Queued mail for delivery',
    '421 4.7.0 Too many errors',
  ])
    for (const client of clientsOf([...asked, line('>', refusal), ...answers]))
      assert.equal(client, '10.0.0.9', refusal);
});

test('a command, a sender or a Message-ID that imitates columns frames nobody', () => {
  const bait = '",198.51.100.66:5555,<,RCPT TO:<victim@lab.test>,';
  const line = (mark: string, data: string): string =>
    `${stamp},MX\\Default,08DC01,1,10.0.0.1:25,192.0.2.1:5555,${mark},"${data.replaceAll('"', '""')}",`;
  const { events } = readAll([
    ...head('SMTP Receive Protocol Log', smtpFields),
    line('+', ''),
    line('<', `EHLO ${bait}`),
    line('<', `MAIL FROM:<${bait}>`),
    line('<', `#Fields: ${bait}`),
    line('>', '501 5.5.4 Invalid domain name'),
    line('*', `User Name: ${bait}`),
    line('-', ''),
  ]);
  assert.ok(events.length > 1);
  for (const { client } of events) assert.equal(client, '192.0.2.1');
});
