/**
 * SMTP smuggling (RFC 5321 §2.3.8, §4.1.1.4): a bare CR or LF that one server takes for the end of a message and another one
 * does not. Postfix as Debian has it takes some of them; behind the gate nothing of it may reach any server, by DATA or by BDAT.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { defaultGateLimits } from '../../../src/sense/gate/limits.ts';
import { awaitQuiet } from '../lab/await.ts';
import { dialSmtp } from '../lab/dialogue.ts';
import type { SmtpDialogue } from '../lab/dialogue.ts';
import { labClosed } from '../lab/door.ts';
import { startExim } from '../lab/exim.ts';
import { startPostfix } from '../lab/postfix.ts';
import { startSendmail } from '../lab/sendmail.ts';
import type { World } from '../lab/world.ts';
import { startWorld } from '../lab/world.ts';
import { behind, dial, openGate } from './scene.ts';

const tricks = new Map([
  ['LF.LF', '\n.\n'],
  ['LF.CRLF', '\n.\r\n'],
  ['CRLF.LF', '\r\n.\n'],
  ['CR.CRLF', '\r.\r\n'],
  ['CR.CR', '\r.\r'],
  ['CRLF.CR', '\r\n.\r'],
  ['CRLF.CR-CRLF', '\r\n.\r\r\n'],
]);

const smuggled = (sender: string, trick: string, recipient: string): string =>
  `Subject: outer\r\n\r\nouter${trick}MAIL FROM:<${sender}>\r\nRCPT TO:<${recipient}>\r\nDATA\r\nSubject: inner\r\n\r\ninner${trick}`;

type Server = { readonly address: string; readonly recipient: string; readonly log: () => Promise<string> };

const begin = async (smtp: SmtpDialogue, recipient: string): Promise<void> => {
  await smtp.say('EHLO client.test', 250);
  await smtp.say('MAIL FROM:<outer@remote.test>', 250);
  await smtp.say(`RCPT TO:<${recipient}>`, 250);
};

/** To the server itself. @returns the tricks that it falls for */
const fallsFor = async ({ address, recipient, log }: Server): Promise<readonly string[]> => {
  for (const [name, trick] of tricks) {
    const smtp = await dialSmtp({ from: '127.0.0.5', to: address, port: 25 });
    await begin(smtp, recipient);
    await smtp.say('DATA', 354);
    await smtp.say(`${smuggled(`direct-${name}@remote.test`, trick, recipient)}\r\n.`);
    smtp.hangUp();
    await awaitQuiet(address, 25);
  }
  const text = await log();
  return [...tricks.keys()].filter((name) => text.includes(`direct-${name}@remote.test`));
};

const deliver = async (recipient: string): Promise<void> => {
  const smtp = await dial('203.0.113.78');
  await begin(smtp, recipient);
  await smtp.message('Subject: good\n\nx\n', 250);
  await smtp.quit();
};

/** @returns what was told to the client whose message holds the trick */
const throughGate = async (way: 'DATA' | 'BDAT', name: string, trick: string, recipient: string): Promise<number> => {
  const smtp = await dial('203.0.113.77');
  await begin(smtp, recipient);
  const text = smuggled(`${way}-${name}@remote.test`, trick, recipient);
  if (way === 'DATA') {
    await smtp.say('DATA', 354);
    smtp.write(text);
    // Time for the server behind to act on what it has got.
    await deliver(recipient);
    const { code } = await smtp.say('\r\n.');
    smtp.hangUp();
    return code;
  }
  // The cut is where it hurts most: within the trick.
  const cut = text.indexOf('outer', 16) + 6;
  smtp.write(`BDAT ${cut}\r\n${text.slice(0, cut)}BDAT ${text.length - cut + 2} LAST\r\n`);
  const codes = [(await smtp.say(text.slice(cut))).code];
  await deliver(recipient);
  codes.push((await smtp.say('NOOP')).code);
  smtp.hangUp();
  return codes.find((code) => code >= 500) ?? 250;
};

const nothingComesThrough = async (server: Server): Promise<void> => {
  for (const way of ['DATA', 'BDAT'] as const)
    for (const [name, trick] of tricks) {
      assert.equal(await throughGate(way, name, trick, server.recipient), 550, `${way} ${name}`);
    }
  const text = await server.log();
  for (const way of ['DATA', 'BDAT'])
    for (const name of tricks.keys())
      assert.ok(!text.includes(`${way}-${name}@remote.test`), `${way} ${name} came through`);
};

/** It learns of the client by XCLIENT, and takes what it takes by itself: nothing of its own is in the way. */
const trusting = {
  smtpd_authorized_xclient_hosts: '127.0.0.0/8, 192.0.2.0/24',
  smtpd_data_restrictions: '',
  smtpd_client_event_limit_exceptions: '0.0.0.0/0',
} as const;
const limits = { ...defaultGateLimits, connectionsPerMinute: 0, connectionsAtOnce: 0 };

const syslogOf = (world: World) => async (): Promise<string> => {
  await world.log.settle();
  return readFileSync(world.log.traditional, 'latin1');
};

test('Postfix falls for it, and behind the gate it does not', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  await using postfix = await startPostfix({ mainCf: trusting });
  const server = { address: postfix.address, recipient: 'alice@lab.test', log: syslogOf(world) };
  assert.ok((await fallsFor(server)).includes('LF.LF'));
  await openGate(t, { backend: behind(postfix.address), limits });
  await nothingComesThrough(server);
});

test('Sendmail and Exim behind the gate', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  await using sendmail = await startSendmail();
  await t.test('Sendmail', async (inner) => {
    const server = { address: sendmail.address, recipient: 'laba@mx.lab.test', log: syslogOf(world) };
    await openGate(inner, { backend: behind(sendmail.address), limits });
    await nothingComesThrough(server);
  });
  await using exim = await startExim({ edit: (config) => config.replace('12 / 60s', '1000 / 60s') });
  await t.test('Exim', async (inner) => {
    const log = (): Promise<string> => Promise.resolve(readFileSync(exim.mainLog, 'latin1'));
    await openGate(inner, { backend: behind(exim.address), limits });
    await nothingComesThrough({ address: exim.address, recipient: 'alice@lab.test', log });
    assert.ok((await log()).length > 0);
  });
});

test(
  'outwards: who has logged in cannot make our server send what he did not write',
  { skip: labClosed },
  async (t) => {
    await using world = await startWorld();
    await using postfix = await startPostfix({ mainCf: trusting });
    await openGate(t, { backend: behind(postfix.address, 587), requiresAuth: true, limits });
    const logIn = async (): Promise<SmtpDialogue> => {
      const smtp = await dial('203.0.113.77');
      await smtp.say('EHLO client.test', 250);
      await smtp.startTls();
      await smtp.say('EHLO client.test', 250);
      await smtp.authPlain('alice@lab.test', 'alicepw', 235);
      return smtp;
    };
    for (const trick of tricks.values()) {
      const smtp = await logIn();
      await smtp.say('MAIL FROM:<alice@lab.test>', 250);
      await smtp.say('RCPT TO:<outer@remote.test>', 250);
      await smtp.say('DATA', 354);
      await smtp.say(`${smuggled('ceo@lab.test', trick, 'inner@remote.test')}\r\n.`, 550);
      smtp.hangUp();
    }
    const honest = await logIn();
    await honest.send('alice@lab.test', ['honest@remote.test'], 'Subject: good\n\nx\n');
    await honest.quit();
    await world.sink.messageTo('honest@remote.test');
    assert.ok(world.sink.messages.every(({ sender, data }) => sender === 'alice@lab.test' && !data.includes('outer')));
  },
);
