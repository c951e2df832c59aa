import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from '../model/verdict.ts';
import type { MilterCommand } from '../protocols/milter/command.ts';
import { createMilterSession, negotiate, repliesOf, wantsReply } from './milter.ts';

const time = Date.UTC(2026, 10, 21);
const macros = (of: string, values: Readonly<Record<string, string>>): MilterCommand => ({
  kind: 'macros',
  of,
  values: new Map(Object.entries(values)),
});
const connect: MilterCommand = { kind: 'connect', host: 'h', family: 'inet', port: 4711, address: '203.0.113.7' };

test('a session is asked about at every stage, and its outcomes are told', () => {
  const session = createMilterSession();
  session.hear(macros('C', { v: 'Postfix 3.7.11' }), time);
  const connected = session.hear(connect, time);
  assert.deepEqual([connected.question?.stage, connected.question?.client], ['connect', '203.0.113.7']);
  assert.equal(session.hear({ kind: 'helo', name: 'x' }, time).question?.helo, 'x');
  session.hear(macros('M', { '{auth_authen}': 'anna' }), time);
  const mail = session.hear({ kind: 'mail', address: '<>', parameters: ['SIZE=1'] }, time).question;
  assert.deepEqual([mail?.stage, mail?.sender, mail?.account], ['sender', '', 'anna']);
  session.hear(macros('R', { '{rcpt_mailer}': 'local' }), time);
  const first = session.hear({ kind: 'rcpt', address: '<a@lab.test>', parameters: [] }, time);
  assert.deepEqual([first.events[0]?.outcome, first.question?.recipientsBefore], ['accepted', undefined]);
  session.hear(macros('R', { '{rcpt_mailer}': 'error', '{rcpt_host}': '5.1.1', '{rcpt_addr}': 'User unknown' }), time);
  const refused = session.hear({ kind: 'rcpt', address: '<b@lab.test>', parameters: [] }, time);
  assert.deepEqual(
    [refused.events[0]?.outcome, refused.question?.recipient, refused.refused],
    ['unknown', 'b@lab.test', true],
  );
  session.hear(macros('R', { '{rcpt_mailer}': 'local' }), time);
  const third = session.hear({ kind: 'rcpt', address: '<c@lab.test>', parameters: [] }, time);
  assert.equal(third.question?.recipientsBefore, 2);
  const message = session.hear({ kind: 'end-of-message', bytes: Buffer.alloc(0) }, time);
  assert.deepEqual([message.question?.stage, message.events[0]?.count], ['message', 2]);
  assert.equal(session.hear({ kind: 'unknown', line: 'FOO' }, time).events[0]?.kind, 'command-error');
  assert.equal(session.hear({ kind: 'quit' }, time).events[0]?.kind, 'disconnect');
});

test('why a server refused a recipient', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['5.1.1', 'User unknown', 'unknown'],
    ['', '550 5.1.1 User unknown', 'unknown'],
    ['5.7.1', 'Relay access denied', 'relay-denied'],
    ['5.7.1', 'blocked using list.test', 'rejected'],
    ['5.2.2', 'Mailbox is full', 'over-quota'],
    ['4.7.1', 'Try again later', 'deferred'],
    ['', '', 'rejected'],
  ];
  for (const [host, text, outcome] of rows) {
    const session = createMilterSession();
    session.hear(connect, time);
    session.hear(macros('R', { '{rcpt_mailer}': 'error', '{rcpt_host}': host, '{rcpt_addr}': text }), time);
    const heard = session.hear({ kind: 'rcpt', address: '<b@lab.test>', parameters: [] }, time);
    assert.equal(heard.events[0]?.outcome, outcome, `${host} ${text}`);
  }
});

test('Sendmail is told from Postfix, IPv6 has one text, and a unix socket is nobody', () => {
  const session = createMilterSession();
  session.hear(macros('C', { v: '8.17.1' }), time);
  const heard = session.hear(
    { kind: 'connect', host: 'h', family: 'inet6', port: 1, address: 'IPv6:2001:db8:0:0:0:0:0:1' },
    time,
  );
  assert.deepEqual([heard.question?.server, heard.question?.client], ['sendmail', '2001:db8::1']);
  const local = createMilterSession().hear({ ...connect, family: 'unix', address: '/run/x' }, time);
  assert.equal(local.question?.client, undefined);
});

test('we ask for no more than is offered', () => {
  const all = negotiate({ version: 6, actions: 0x1ff, protocol: 0x1fffff });
  assert.ok(all.kind === 'negotiate' && all.macros.length === 5);
  assert.deepEqual(all.choice, { version: 6, actions: 0x121, protocol: 0x870 });
  const old = negotiate({ version: 2, actions: 0x3f, protocol: 0x7f });
  assert.ok(old.kind === 'negotiate' && old.macros.length === 0);
  assert.deepEqual(old.choice, { version: 2, actions: 0x21, protocol: 0x70 });
});

test('each verdict has its replies, and no shutdown is among them', () => {
  const question = createMilterSession().hear(connect, time).question;
  assert.ok(question !== undefined);
  const drop: Verdict = { kind: 'drop', reply: { code: '421', enhanced: '4.7.0', text: 'bye %s\r\nnow' }, why: [] };
  assert.deepEqual(repliesOf(drop, question, false), [{ kind: 'reply-code', text: '421 4.7.0 bye  s now' }]);
  const hold: Verdict = { kind: 'hold', why: [] };
  assert.deepEqual(repliesOf(hold, question, false), [{ kind: 'continue' }]);
  const held = repliesOf(hold, { ...question, stage: 'message', account: 'anna' }, false);
  assert.deepEqual(held[0], { kind: 'add-header', name: 'X-Authenticated-As', value: 'anna' });
  assert.equal(held.at(-1)?.kind, 'continue');
  assert.ok(!wantsReply({ kind: 'abort' }) && wantsReply(connect));
});

test('at a recipient that the server refused, any no ends the session', () => {
  const question = createMilterSession().hear(connect, time).question;
  assert.ok(question !== undefined);
  const defer: Verdict = { kind: 'defer', reply: { code: '450', enhanced: '4.2.0', text: 'later' }, why: [] };
  const reject: Verdict = { kind: 'reject', reply: { code: '554', enhanced: '5.7.1', text: 'no' }, why: [] };
  assert.deepEqual(repliesOf(defer, question, true), [{ kind: 'reply-code', text: '421 4.7.0 later' }]);
  assert.deepEqual(repliesOf(reject, question, true), [{ kind: 'reply-code', text: '421 4.7.0 no' }]);
  const withOthers = { ...question, recipientsBefore: 2 };
  assert.deepEqual(repliesOf(defer, withOthers, true), [{ kind: 'continue' }]);
  assert.deepEqual(repliesOf(reject, withOthers, true), [{ kind: 'reply-code', text: '421 4.7.0 no' }]);
  assert.deepEqual(repliesOf({ kind: 'accept', why: [] }, question, true), [{ kind: 'continue' }]);
});

test('a recipient is asked about with the size that MAIL promised', () => {
  const rows: readonly (readonly [readonly string[], number | undefined])[] = [
    [['SIZE=5000'], 5000],
    [['BODY=8BITMIME', 'size=7'], 7],
    [['SIZE=0'], undefined],
    [['SIZE=x'], undefined],
    [['SIZE=9999999999999999999'], undefined],
    [[], undefined],
  ];
  const session = createMilterSession();
  session.hear(connect, time);
  for (const [parameters, size] of rows) {
    session.hear({ kind: 'mail', address: '<s@remote.test>', parameters }, time);
    const heard = session.hear({ kind: 'rcpt', address: '<a@lab.test>', parameters: [] }, time);
    assert.deepEqual([heard.question?.stage, heard.question?.size], ['recipient', size], parameters.join(' '));
  }
});

test('the only recipient is named at the end, with the size that Sendmail counted', () => {
  const session = createMilterSession();
  session.hear(connect, time);
  const ends = (recipients: readonly string[]): readonly unknown[] => {
    session.hear({ kind: 'mail', address: '<s@remote.test>', parameters: ['SIZE=10'] }, time);
    for (const address of recipients) session.hear({ kind: 'rcpt', address, parameters: [] }, time);
    session.hear(macros('E', { '{msg_size}': '20000' }), time);
    const { question } = session.hear({ kind: 'end-of-message', bytes: Buffer.alloc(0) }, time);
    return [question?.stage, question?.recipient, question?.size];
  };
  assert.deepEqual(ends(['<a@lab.test>']), ['message', 'a@lab.test', 20_000]);
  assert.deepEqual(ends(['<a@lab.test>', '<b@lab.test>']), ['message', undefined, 20_000]);
});
