/** A real Exim asks at every stage, obeys every verdict, and mail flows when nobody answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../src/model/event.ts';
import type { Question } from '../../src/model/question.ts';
import type { Verdict } from '../../src/model/verdict.ts';
import { startReadsocket } from '../../src/sense/hooks/readsocket.ts';
import { awaitLine } from './lab/await.ts';
import { dialSmtp } from './lab/dialogue.ts';
import { labClosed } from './lab/door.ts';
import { attachExim } from './lab/exim-hook.ts';
import { startExim } from './lab/exim.ts';
import { startWorld } from './lab/world.ts';

const port = 10_042;
const accept: Verdict = { kind: 'accept', why: [] };

test('Exim asks at every stage and obeys every verdict', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  assert.ok(world);
  const asked: Question[] = [];
  const told: Event[] = [];
  let decide: (question: Question) => Verdict = () => accept;
  const start = () =>
    startReadsocket({
      listen: { host: '127.0.0.1', port },
      ask: (question) => {
        asked.push(question);
        return decide(question);
      },
      tell: (event) => told.push(event),
      complain: (error) => assert.fail(String(error)),
    });
  let hook = await start();
  t.after(() => hook.stop());
  await using exim = await startExim({ edit: attachExim(`127.0.0.1:${port}`) });
  const dial = (from: string) => dialSmtp({ from, to: exim.address, port: 25 });
  const at = (stage: Question['stage'], verdict: Verdict) => (question: Question) =>
    question.stage === stage ? verdict : accept;

  const good = await dial('203.0.113.1');
  await good.say('EHLO client.test', 250);
  await good.send('s@remote.test', ['alice@lab.test'], 'Subject: hello\n\nall is well\n');
  await good.quit();
  assert.deepEqual(
    asked.map(({ stage }) => stage),
    ['connect', 'helo', 'sender', 'recipient', 'data', 'message'],
  );
  assert.ok(asked.every(({ client }) => client === '203.0.113.1'));
  assert.deepEqual([asked[3]?.sender, asked[3]?.recipient], ['s@remote.test', 'alice@lab.test']);
  assert.deepEqual(
    told.map(({ kind, outcome }) => [kind, outcome]),
    [
      ['connect', undefined],
      ['helo', undefined],
      ['sender', 'accepted'],
      ['recipient', 'accepted'],
      ['message', undefined],
      ['disconnect', undefined],
    ],
  );

  const defer: Verdict = { kind: 'defer', reply: { code: '450', enhanced: '4.7.1', text: 'later' }, why: [] };
  const reject: Verdict = { kind: 'reject', reply: { code: '554', enhanced: '5.7.1', text: 'never' }, why: [] };
  const drop: Verdict = { kind: 'drop', reply: { code: '421', enhanced: '4.7.0', text: 'bye' }, why: [] };
  const toRcpt = async (from: string): Promise<{ code: number; text: string }> => {
    const smtp = await dial(from);
    await smtp.say('EHLO client.test', 250);
    const mail = await smtp.say('MAIL FROM:<s@remote.test>');
    const reply = mail.code === 250 ? await smtp.say('RCPT TO:<alice@lab.test>') : mail;
    smtp.hangUp();
    return reply;
  };
  decide = at('connect', drop);
  assert.match((await dial('203.0.113.2')).greeting.text, /bye/);
  decide = at('sender', reject);
  assert.deepEqual(await toRcpt('203.0.113.3'), { code: 554, text: '5.7.1 never' });
  decide = at('recipient', defer);
  assert.deepEqual(await toRcpt('203.0.113.4'), { code: 450, text: '4.7.1 later' });
  decide = at('recipient', drop);
  assert.equal((await toRcpt('203.0.113.5')).code, 550);
  decide = at('data', defer);
  const atData = await dial('203.0.113.11');
  await atData.say('EHLO client.test', 250);
  await atData.say('MAIL FROM:<s@remote.test>', 250);
  await atData.say('RCPT TO:<alice@lab.test>', 250);
  assert.deepEqual(await atData.say('DATA'), { code: 450, text: '4.7.1 later' });
  assert.equal(asked.at(-1)?.recipient, 'alice@lab.test');
  atData.hangUp();
  decide = at('recipient', { kind: 'delay', delayMs: 1000, why: [] });
  assert.equal((await toRcpt('203.0.113.6')).code, 250);

  decide = at('message', { kind: 'hold', why: [] });
  const stolen = await dialSmtp({ from: '203.0.113.7', to: exim.address, port: 587 });
  await stolen.say('EHLO client.test', 250);
  await stolen.authPlain('alice@lab.test', 'alicepw', 235);
  await stolen.send('alice@lab.test', ['x@remote.test'], 'Subject: junk\n\nbuy\n');
  await stolen.quit();
  await awaitLine(exim.mainLog, 'that it is held', (line) => line.includes('frozen'));
  assert.equal(asked.at(-1)?.account, 'alice@lab.test');

  decide = () => accept;
  told.length = 0;
  const hostile = await dial('203.0.113.8');
  await hostile.say('EHLO "} outcome=accepted\tip=MTkyLjAuMi4x{', undefined);
  await hostile.say('HELO ${run{/bin/true}}', undefined);
  await hostile.say('EHLO client.test', 250);
  await hostile.say('MAIL FROM:<"a b\\"}${x"@remote.test>', 250);
  await hostile.say('RCPT TO:<nobody@lab.test>', 550);
  hostile.hangUp();
  // Exim may still tell of the ends of sessions before.
  const dialled = Array.from({ length: 8 }, (_, before) => `203.0.113.${before + 1}`);
  assert.ok(told.every(({ client }) => dialled.includes(client ?? '')));
  assert.ok(told.some(({ client, outcome }) => client === '203.0.113.8' && outcome === 'unknown'));
  assert.deepEqual(hook.counts().garbage, 0);

  await hook.stop();
  assert.equal((await toRcpt('203.0.113.9')).code, 250, 'nobody answers: mail flows');
  asked.length = 0;
  hook = await start();
  decide = at('recipient', reject);
  assert.equal((await toRcpt('203.0.113.10')).code, 554, 'asked again without a restart');
  await hook.stop();
});
