/** What is kept of a session for the postmaster, in front of Postfix: every line, of a message its header, of a login no password. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../lab/await.ts';
import { labClosed } from '../lab/door.ts';
import { startPostfix } from '../lab/postfix.ts';
import { startWorld } from '../lab/world.ts';
import { behind, dial, openGate } from './scene.ts';
import type { Scene } from './scene.ts';

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

const linesOf = async (scene: Scene, client: string): Promise<readonly string[]> => {
  const find = (): readonly string[] =>
    scene.notes.flatMap((note) => (note.kind === 'transcript' && note.client === client ? note.lines : []));
  await until(
    () => `nothing is kept of ${client}`,
    () => find().length > 0,
  );
  return find();
};

test('of a client that erred everything is kept but passwords and what it wrote', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  await using postfix = await startPostfix({ mainCf: { smtpd_authorized_xclient_hosts: '192.0.2.0/24, 127.0.0.0/8' } });
  const scene = await openGate(t, { backend: behind(postfix.address, 587), requiresAuth: true });
  const smtp = await dial('203.0.113.1');
  await smtp.say('EHLO client.test', 250);
  // A program that does not listen: it goes on where it was told that it must not.
  await smtp.say('AUTH LOGIN', 538);
  for (const secret of ['alice@lab.test', 'alicepw']) await smtp.say(base64(secret), 500);
  await smtp.startTls();
  await smtp.say('EHLO client.test', 250);
  await smtp.say(`AUTH PLAIN ${base64('\0alice@lab.test\0wrong-password')}`, 535);
  await smtp.authLogin('alice@lab.test', 'alicepw', 235);
  await smtp.send('alice@lab.test', ['x@remote.test'], 'Subject: shown\nTo: x@remote.test\n\nprivate words\n');
  await smtp.quit();
  assert.match((await world.sink.messageTo('x@remote.test')).data, /private words/);
  const kept = (await linesOf(scene, '203.0.113.1')).join('\n');
  for (const line of [
    '< 220 ',
    '> EHLO client.test',
    '< 538 ',
    '> AUTH PLAIN (hidden)',
    '< 535 ',
    '< 235 ',
    '> RCPT TO:<x@remote.test>',
    '> Subject: shown',
    '> To: x@remote.test',
    '> (a message of ',
    '> QUIT',
  ])
    assert.ok(kept.includes(line), `${line} is missing in:\n${kept}`);
  for (const secret of ['private', 'alicepw', 'wrong-password'])
    for (const form of [secret, base64(secret)]) assert.ok(!kept.includes(form), `${form} is in:\n${kept}`);
  assert.ok(!kept.includes(base64('\0alice@lab.test\0wrong-password')), kept);

  const innocent = await dial('203.0.113.2');
  await innocent.say('EHLO client.test', 250);
  await innocent.quit();
  await scene.until(({ kind, client }) => kind === 'disconnect' && client === '203.0.113.2');
  assert.ok(scene.notes.every((note) => note.kind !== 'transcript' || note.client !== '203.0.113.2'));
});
