/** What real Postfix and Sendmail log of a milter's refusals is told of the client, and of the account, that met them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Event } from '../../src/model/event.ts';
import type { Question } from '../../src/model/question.ts';
import type { Verdict } from '../../src/model/verdict.ts';
import { startMilter } from '../../src/sense/hooks/milter.ts';
import { linesOf } from './lab/await.ts';
import { dialSmtp } from './lab/dialogue.ts';
import { labClosed } from './lab/door.ts';
import { startPostfix } from './lab/postfix.ts';
import { askMilter, startSendmail } from './lab/sendmail.ts';
import { startWorld } from './lab/world.ts';
import type { World } from './lab/world.ts';
import { readLog } from './provoke/told.ts';

const port = 10_043;
const reject: Verdict = { kind: 'reject', reply: { code: '554', enhanced: '5.7.1', text: 'never' }, why: [] };
const accept: Verdict = { kind: 'accept', why: [] };
/** At which stage each client is refused. */
const stages = new Map<string, Question['stage']>([
  ['203.0.113.161', 'connect'],
  ['203.0.113.162', 'sender'],
  ['203.0.113.163', 'recipient'],
  ['203.0.113.164', 'data'],
  ['203.0.113.165', 'message'],
]);

const play = async (
  t: TestContext,
  world: World,
  { address, known, account }: { readonly address: string; readonly known: string; readonly account: string },
  stop: () => Promise<void>,
): Promise<void> => {
  const milter = await startMilter({
    listen: { host: '127.0.0.1', port },
    ask: (question) => (question.stage === stages.get(question.client ?? '') ? reject : accept),
    tell: () => undefined,
    complain: (error) => assert.fail(String(error)),
  });
  t.after(() => milter.stop());
  for (const [client, stage] of stages) {
    const isLogin = stage === 'message';
    const smtp = await dialSmtp({ from: client, to: address, port: isLogin ? 587 : 25 });
    await smtp.say('EHLO client.test');
    if (isLogin) await smtp.authPlain(account, `${account.split('@')[0] ?? ''}pw`, 235);
    await smtp.say('MAIL FROM:<"x, relay=y [192.0.2.66]"@remote.test>');
    await smtp.say(`RCPT TO:<${known}>`);
    const { code } = await smtp.say('DATA');
    if (code === 354) await smtp.say('Subject: x, relay=y [192.0.2.66]\r\n\r\nhello\r\n.');
    await smtp.quit();
  }
  await stop();
  await world.log.settle();
  const { events, own, unmatched } = readLog(linesOf(world.log.traditional));
  assert.ok(own > 10);
  assert.deepEqual(unmatched, []);
  const isTold = (client: string, fields: Partial<Event>): boolean =>
    events.some((event) =>
      Object.entries({ client, outcome: 'rejected', ...fields }).every(
        ([name, value]) => Reflect.get(event, name) === value,
      ),
    );
  const expected: readonly (readonly [string, Partial<Event>])[] = [
    ['203.0.113.162', { kind: 'sender' }],
    ['203.0.113.163', { kind: 'recipient', recipient: known }],
    ['203.0.113.164', { kind: 'other' }],
    ['203.0.113.165', { kind: 'other', reason: 'content', account }],
  ];
  const log = events.map((event) => JSON.stringify(event)).join('\n');
  for (const [client, fields] of expected)
    assert.ok(isTold(client, fields), `${client} ${JSON.stringify(fields)}\n${log}`);
  assert.ok(!log.includes('"client":"192.0.2.66"'));
};

test('Postfix', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  await using postfix = await startPostfix({
    mainCf: { smtpd_milters: `inet:127.0.0.1:${port}`, milter_default_action: 'accept' },
  });
  const { address, stop } = postfix;
  await play(t, world, { address, known: 'alice@lab.test', account: 'bob@lab.test' }, stop);
});

test('Sendmail', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  await using sendmail = await startSendmail(askMilter(`inet:${port}@127.0.0.1`));
  const { address, stop } = sendmail;
  await play(t, world, { address, known: 'laba@mx.lab.test', account: 'bob@lab.test' }, stop);
});
