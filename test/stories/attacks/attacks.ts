/** The attacks of DESIGN §2 as real sessions from many addresses, and what it means that each is contained. */
import assert from 'node:assert/strict';
import { runCommandAs } from '../../servers/lab/daemon.ts';
import { openWire } from '../../servers/lab/wire.ts';
import { dialSmtp } from '../../servers/lab/dialogue.ts';
import { ask, isTruth, logIn, numbered, passes, post } from './arena.ts';
import type { Arena } from './arena.ts';

const at = (names: readonly string[], domain: string): string[] => names.map((name) => `${name}@${domain}`);

/** It has delivered mail before the attacks that newcomers suffer from. */
const knownSender = '31.0.8.4';
const isInnocent = async (arena: Arena, from: string): Promise<void> => {
  const [reply = ''] = await ask(arena, from, [arena.known]);
  assert.ok(passes(reply), `${from} is innocent: ${reply}`);
};
const isShut = async (arena: Arena, from: string): Promise<void> => {
  const [reply = ''] = await ask(arena, from, [arena.known]);
  assert.ok(!passes(reply), `${from} is shut out: ${reply}`);
};

/** One harvester, and then a campaign of clients that ask once each. @param truthsMax answers about names that either may get */
export const dictionary = async (
  arena: Arena,
  truthsMax: { readonly client: number; readonly campaign: number },
): Promise<void> => {
  const { domain } = arena;
  const replies = [
    ...(await ask(arena, '49.1.1.7', at(numbered('guess', 30), domain))),
    ...(await ask(arena, '49.1.1.7', at(numbered('more', 30), domain))),
  ];
  assert.ok(replies.length > 1, 'the attack was seen');
  const truths = replies.filter(isTruth).length;
  assert.ok(truths <= truthsMax.client, `${truths} answers:\n${replies.join('\n')}`);
  await isShut(arena, '49.1.1.7');
  await isInnocent(arena, '198.51.100.7');

  let learned = 0;
  for (let probe = 0; probe < 60; probe++) {
    const [reply = ''] = await ask(arena, `20.${probe}.7.9`, [`target${probe}@${domain}`]);
    if (isTruth(reply)) learned++;
  }
  assert.ok(learned >= 15, 'the campaign was seen before it was stopped');
  assert.ok(learned <= truthsMax.campaign, `${learned} of 60 one-shot probes were answered`);
  await arena.recognised('dictionary');
  await isInnocent(arena, knownSender);
  assert.ok(arena.incidents('dictionary').length <= 2, 'one incident for the harvester, one for the campaign');
};

/** Bounces for mail that we never sent, to one address, from many servers, which are innocent. */
export const backscatter = async (arena: Arena): Promise<void> => {
  let answers: string[] = [];
  for (let bounce = 0; bounce < 45; bounce++) answers.push(await post(arena, `31.${bounce}.8.4`, '', arena.known));
  const { actors } = await arena.recognised('backscatter');
  assert.ok(answers.filter(passes).length >= 20, 'the first bounces came in');
  assert.deepEqual(actors, [], 'who returns them is innocent');
  answers = [await post(arena, '31.200.8.4', '', arena.known), await post(arena, '31.0.8.4', '', arena.known)];
  assert.ok(!answers.some(passes), `further bounces to it wait: ${answers.join(' ')}`);
  assert.ok(passes(await post(arena, '31.0.8.4', '', arena.other)), 'bounces to others come in');
  assert.ok(passes(await post(arena, knownSender, 's@remote.test', arena.known)), 'and mail to it');
};

export const relay = async (arena: Arena): Promise<void> => {
  const replies: string[] = [];
  for (let attempt = 0; attempt < 4; attempt++)
    replies.push(...(await ask(arena, '45.1.1.50', [`x@elsewhere${attempt}.test`], `s${attempt}@shop${attempt}.test`)));
  assert.ok(replies.length >= 3 && !replies.some(passes), `nothing is relayed: ${replies.join(' ')}`);
  // Shut out at its second try it may never come to an incident.
  await isShut(arena, '45.1.1.50');
  await isInnocent(arena, '198.51.100.50');
};

/** One client, many accounts, at the submission port; then a right password from there, and from home. */
export const passwordGuessing = async (
  arena: Arena,
  isRefused: (arena: Arena, from: string) => Promise<void>,
  account: (name: string) => string,
): Promise<void> => {
  assert.equal(await logIn(arena, '99.1.1.60', account('alice'), 'alicepw'), 235, 'the owner, from home');
  const codes: number[] = [];
  for (const name of numbered('user', 9)) codes.push(await logIn(arena, '46.1.1.60', account(name), '123456'));
  assert.ok(codes.length === 9 && !codes.includes(235), 'the attack was seen');
  await isRefused(arena, '46.1.1.60');
  assert.equal(await logIn(arena, '99.1.1.60', account('alice'), 'alicepw'), 235, 'the owner is not locked out');
};

/** The right password does not help from where it was guessed. */
export const loginIsRefused =
  (account: string) =>
  async (arena: Arena, from: string): Promise<void> =>
    assert.notEqual(await logIn(arena, from, account, 'bobpw'), 235);
/** Nobody asks us before a password there: the session is refused. */
export const sessionIsRefused = isShut;

/** Another protocol, and commands that there are none. @param isNamed what its server tells of it is enough for an incident */
export const protocolAbuse = async (arena: Arena, isNamed: boolean): Promise<void> => {
  const target = { from: '47.1.1.70', to: arena.server.address, port: 25 };
  for (let session = 0; session < 2; session++) {
    const http = await openWire(target);
    http.write('GET / HTTP/1.1\r\nHost: mx.lab.test\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n');
    await http.closed();
    const smtp = await dialSmtp(target);
    if (smtp.greeting.code === 220) {
      await smtp.say('EHLO client.test');
      let last = 500;
      for (let command = 0; command < 30 && last !== 0 && last !== 421; command++)
        last = (await smtp.say('XNONSENSE')).code;
      assert.ok(last === 0 || last === 421, 'the server has enough of it');
    }
    smtp.hangUp();
    await arena.caughtUp();
  }
  if (isNamed) {
    const { actors } = await arena.recognised('protocol-abuse');
    assert.deepEqual(
      actors.map(({ value }) => value),
      ['47.1.1.70'],
    );
  }
  await isInnocent(arena, '198.51.100.70');
};

/** A hacked script hands in mail for hundreds of strangers. */
export const outboundFlood = async (arena: Arena, program: string): Promise<void> => {
  const webServer = 33;
  for (let batch = 0; batch < 10; batch++) {
    const recipients = numbered(`victim-${batch}-`, 30).map((name) => `${name}@remote.test`);
    await runCommandAs(
      webServer,
      program,
      ['-f', arena.known, ...recipients],
      `From: ${arena.known}\nSubject: offer\n\nbuy\n`,
    );
    await arena.caughtUp();
  }
  const { actors } = await arena.recognised('outbound-flood');
  assert.equal(actors[0]?.kind, 'user', 'it is named');
  assert.ok(passes(await post(arena, '198.51.100.90', 's@remote.test', arena.other)), 'mail comes in');
};
