/**
 * SMTP extensions at the gate: it announces what the server behind offers, and what it does itself; what a client says with
 * them arrives there, byte for byte. In front of Postfix, Exim, Sendmail and a plain server on an SMTP library.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineBytesMax } from '../../../src/protocols/smtp/input.ts';
import type { Stoppable } from '../lab/daemon.ts';
import { dialSmtp } from '../lab/dialogue.ts';
import type { SmtpDialogue } from '../lab/dialogue.ts';
import { labClosed } from '../lab/door.ts';
import { startExim } from '../lab/exim.ts';
import { startLibrary } from '../lab/library.ts';
import { startPostfix } from '../lab/postfix.ts';
import { startSendmail } from '../lab/sendmail.ts';
import { startWorld } from '../lab/world.ts';
import { accept, behind, dial, noLimits, openGate } from './scene.ts';

/** What the gate does itself, whoever is behind it. */
const own = ['PIPELINING', 'CHUNKING'];
/** What only the server can do. */
const passed = new Set(['SIZE', '8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES']);

const keywordsOf = async (smtp: SmtpDialogue): Promise<readonly string[]> => {
  const { text } = await smtp.say('EHLO client.test', 250);
  return text.split('\n').slice(1);
};

const offeredBy = async (address: string, port: number): Promise<readonly string[]> => {
  const smtp = await dialSmtp({ from: '127.0.0.5', to: address, port });
  const keywords = await keywordsOf(smtp);
  await smtp.quit();
  return keywords;
};

const isAuth = (keyword: string): boolean => /^AUTH[ =]/.test(keyword);
const sorted = (keywords: readonly string[]): readonly string[] => keywords.toSorted();

const starts = new Map<string, () => Promise<{ readonly address: string } & Stoppable>>([
  ['Postfix', startPostfix],
  ['Exim', startExim],
  ['Sendmail', startSendmail],
]);

for (const [name, start] of starts)
  test(`${name}: what it offers is announced, AUTH under TLS alone`, { skip: labClosed }, async (t) => {
    await using world = await startWorld();
    assert.ok(world);
    await using server = await start();
    const offered = await offeredBy(server.address, 587);
    const through = offered.filter((keyword) => passed.has(keyword.split(' ', 1)[0] ?? ''));
    assert.ok(through.length >= 2 && offered.some(isAuth), offered.join(', '));
    await openGate(t, { backend: behind(server.address, 587) });
    const smtp = await dial('203.0.113.1');
    assert.deepEqual(sorted(await keywordsOf(smtp)), sorted([...own, 'STARTTLS', ...through]));
    await smtp.startTls();
    const secured = await keywordsOf(smtp);
    assert.deepEqual(sorted(secured.filter((keyword) => !isAuth(keyword))), sorted([...own, ...through]));
    const mechanisms = (keywords: readonly string[]): unknown =>
      keywords.filter((keyword) => keyword.startsWith('AUTH ')).map((keyword) => keyword.split(' ').toSorted());
    assert.deepEqual(mechanisms(secured), mechanisms(offered));
    await smtp.quit();
  });

test('the first ones, all at once, hear what everybody hears after them', { skip: labClosed }, async (t) => {
  await using library = await startLibrary();
  await openGate(t, { backend: behind(library.address) });
  const clients = await Promise.all(Array.from({ length: 5 }, (_, at) => dial(`203.0.113.${at + 1}`)));
  const heard = await Promise.all(clients.map(keywordsOf));
  const later = await keywordsOf(await dial('203.0.113.9'));
  assert.ok(later.some((keyword) => keyword.startsWith('SIZE ')));
  for (const keywords of heard) assert.deepEqual(keywords, later);
  for (const smtp of clients) await smtp.quit();
});

test('what was not offered is refused, what is too large is said at MAIL', { skip: labClosed }, async (t) => {
  await using library = await startLibrary();
  await openGate(t, { backend: behind(library.address), limits: noLimits });
  const smtp = await dial('203.0.113.1');
  const keywords = await keywordsOf(smtp);
  assert.ok(!keywords.includes('DSN') && !keywords.includes('ENHANCEDSTATUSCODES'), keywords.join(', '));
  const size = Number(keywords.find((keyword) => keyword.startsWith('SIZE '))?.slice(5));
  await smtp.say('MAIL FROM:<s@remote.test> RET=HDRS', 555);
  await smtp.say('MAIL FROM:<s@remote.test> AUTH=<>', 555);
  await smtp.say(`MAIL FROM:<s@remote.test> SIZE=${size + 1}`, 552);
  for (const wrong of ['SIZE=x', 'SIZE=', 'SIZE=1e3', 'SIZE=-1', 'BODY=BINARYMIME', 'BODY=', 'SMTPUTF8=yes', 'X=1'])
    await smtp.say(`MAIL FROM:<s@remote.test> ${wrong}`, 555);
  await smtp.say(`MAIL FROM:<s@remote.test> SIZE=${size}`, 250);
  await smtp.say('RCPT TO:<alice@lab.test> NOTIFY=NEVER', 555);
  await smtp.say('RCPT TO:<alice@lab.test>', 250);
  await smtp.quit();
  assert.deepEqual(library.messages(), []);
});

const asBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** Dots, 8-bit text, a line as long as one may be (RFC 5321 §4.5.3.1.6), an empty line at the end: what may get hurt on the way. */
const content = `Subject: ${asBytes('Grüße')}\r\n\r\n.\r\n..\r\n.dot\r\n${'x'.repeat(998)}\r\n${asBytes('ÄÖÜ')}\r\n\r\n`;

test('a message arrives byte for byte, by DATA and by BDAT, wherever it is cut', { skip: labClosed }, async (t) => {
  await using library = await startLibrary();
  await openGate(t, { backend: behind(library.address) });
  const smtp = await dial('203.0.113.1');
  await smtp.say('EHLO client.test', 250);
  const begin = async (sender: string): Promise<void> => {
    await smtp.say(`MAIL FROM:<${asBytes(sender)}> BODY=8BITMIME SMTPUTF8`, 250);
    await smtp.say(`RCPT TO:<${asBytes('jürgen@lab.test')}>`, 250);
  };
  await begin('data@remote.test');
  await smtp.say('DATA', 354);
  await smtp.say(`${content.replaceAll(/^\./gm, '..')}.`, 250);
  const cuts = [1, 17, 18, 19, 20, 22, 500];
  for (const cut of cuts) {
    await begin(`bdat${cut}@remote.test`);
    smtp.write(`BDAT ${cut}\r\n${content.slice(0, cut)}`);
    smtp.write(`BDAT ${content.length - cut}\r\n${content.slice(cut)}`);
    // The end is a chunk of its own, and empty (RFC 3030 §2).
    smtp.write('BDAT 0 LAST\r\n');
    for (const octets of [cut, content.length - cut])
      assert.ok((await smtp.hear(250)).text.includes(`${octets} octets`));
    await smtp.hear(250);
  }
  await smtp.quit();
  const messages = library.messages();
  assert.equal(messages.length, cuts.length + 1);
  for (const message of messages) {
    const [head = '', ...rest] = message.split('\n');
    assert.match(head, /^(data|bdat\d+)@remote\.test .*@lab\.test BODY=8BITMIME SMTPUTF8$/);
    assert.ok(head.includes(asBytes('jürgen@lab.test')), head);
    // Our Received line stands above it.
    assert.ok(rest.join('\n').endsWith(content), `${head}: ${JSON.stringify(rest.join('\n').slice(0, 400))}`);
  }
});

test('notifications of delivery are asked for behind the gate', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  await using postfix = await startPostfix({
    mainCf: { smtpd_authorized_xclient_hosts: '127.0.0.0/8, 192.0.2.0/24', smtpd_discard_ehlo_keywords: '' },
  });
  await openGate(t, { backend: behind(postfix.address) });
  const smtp = await dial('203.0.113.1');
  await smtp.say('EHLO client.test', 250);
  await smtp.say('MAIL FROM:<dsn@remote.test> RET=HDRS ENVID=QQ314159', 250);
  await smtp.say('RCPT TO:<alice@lab.test> NOTIFY=SUCCESS ORCPT=rfc822;alice@lab.test', 250);
  await smtp.message('Subject: tell me\n\nx\n', 250);
  await smtp.quit();
  const notice = (await world.sink.messageTo('dsn@remote.test')).data;
  assert.match(notice, /^Original-Envelope-Id: QQ314159$/m);
  assert.match(notice, /^Action: (delivered|relayed|expanded)$/m);
});

test('a whole transaction in one write is answered in order', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  assert.ok(world);
  await using postfix = await startPostfix();
  await openGate(t, { backend: behind(postfix.address) });
  const smtp = await dial('203.0.113.1');
  await smtp.say('EHLO client.test', 250);
  const replies = await smtp.pipeline([
    'MAIL FROM:<s@remote.test>',
    'RCPT TO:<alice@lab.test>',
    'RCPT TO:<nobody@lab.test>',
    'RCPT TO:<bob@lab.test>',
    'DATA',
  ]);
  assert.deepEqual(
    replies.map(({ code }) => code),
    [250, 250, 550, 250, 354],
  );
  await smtp.say('Subject: at once\r\n\r\nx\r\n.', 250);
  await smtp.quit();
});

test('lines: CRLF alone ends one, and what is too long is none', { skip: labClosed }, async (t) => {
  const scene = await openGate(t);
  const smtp = await dial('203.0.113.1');
  const rows = [
    ['NOOP', 250],
    [`NOOP ${'x'.repeat(lineBytesMax - 6)}`, 250],
    [`NOOP ${'x'.repeat(lineBytesMax)}`, 500],
    ['NO\rOP', 500],
    ['NOOP\r', 500],
    ['NO\0OP', 500],
    ['NOOP', 250],
  ] as const;
  for (const [line, code] of rows) await smtp.say(line, code);
  smtp.write('NOOP\n');
  await smtp.hear(500);
  await smtp.quit();
  const reasons = scene.told.filter(({ kind }) => kind === 'command-error').map(({ reason }) => reason);
  assert.deepEqual(reasons, ['syntax', 'bare-newline', 'bare-newline', 'unknown-command', 'bare-newline']);
});

test('under TLS nothing is left of what was sent ahead of it', { skip: labClosed }, async (t) => {
  const scene = await openGate(t);
  const smtp = await dial('203.0.113.1');
  await smtp.say('EHLO before.test', 250);
  // More than is read ahead at once, too.
  const ahead = 'EHLO injected.test\r\nMAIL FROM:<injected@remote.test>\r\n'.repeat(300);
  await smtp.say(`STARTTLS\r\n${ahead}QUIT`, 220);
  await smtp.secure();
  await smtp.say('MAIL FROM:<s@remote.test>', 503);
  await smtp.say('EHLO after.test', 250);
  await smtp.say('STARTTLS', 503);
  await smtp.send('s@remote.test', ['alice@lab.test'], 'Subject: x\n\nx\n');
  await smtp.quit();
  assert.deepEqual(
    scene.told.filter(({ kind }) => kind === 'helo').map(({ helo }) => helo),
    ['before.test', 'after.test'],
  );
  assert.ok(scene.asked.some(({ sender }) => sender === 's@remote.test'));
  assert.ok(scene.asked.every(({ sender }) => sender !== 'injected@remote.test'));
});

test('between two chunks nothing but the next one, or the end of it', { skip: labClosed }, async (t) => {
  await using library = await startLibrary();
  await openGate(t, { backend: behind(library.address) });
  const smtp = await dial('203.0.113.1');
  await smtp.say('EHLO client.test', 250);
  for (const leave of ['RSET', 'EHLO client.test']) {
    await smtp.say('MAIL FROM:<s@remote.test>', 250);
    await smtp.say('RCPT TO:<alice@lab.test>', 250);
    await smtp.say('BDAT 5\r\nhalf:', 250);
    await smtp.hear(500);
    for (const line of ['RCPT TO:<bob@lab.test>', 'DATA', 'MAIL FROM:<t@remote.test>']) await smtp.say(line, 503);
    await smtp.say(leave, 250);
  }
  await smtp.send('s@remote.test', ['alice@lab.test'], 'Subject: whole\n\nx\n');
  await smtp.quit();
  assert.equal(library.messages().length, 1);
  assert.doesNotMatch(library.messages()[0] ?? '', /half|bob/);
});

test('a message whose first chunk was refused does not begin with its second one', { skip: labClosed }, async (t) => {
  await using library = await startLibrary();
  const scene = await openGate(t, { backend: behind(library.address) });
  const smtp = await dial('203.0.113.1');
  await smtp.say('EHLO client.test', 250);
  await smtp.say('MAIL FROM:<s@remote.test>', 250);
  await smtp.say('RCPT TO:<alice@lab.test>', 250);
  const later = { code: '450', enhanced: '4.7.1', text: 'later' } as const;
  scene.decide = ({ stage }) => (stage === 'data' ? { kind: 'defer', reply: later, why: [] } : accept);
  await smtp.say('BDAT 14\r\nSubject: x\r\n', 450);
  scene.decide = () => accept;
  await smtp.say('BDAT 6 LAST\r\nrest', 450);
  await smtp.say('RSET', 250);
  await smtp.say('MAIL FROM:<s@remote.test>', 250);
  await smtp.say('RCPT TO:<alice@lab.test>', 250);
  await smtp.say('BDAT 20 LAST\r\nSubject: x\r\n\r\nrest', 250);
  await smtp.quit();
  assert.equal(library.messages().length, 1);
  assert.match(library.messages()[0] ?? '', /Subject: x\r?\n\r?\nrest/);
});
