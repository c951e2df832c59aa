/** Real Postfix and Sendmail ask our milter at every stage, obey it, and pass mail when nobody answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Event, ServerName } from '../../src/model/event.ts';
import type { Question } from '../../src/model/question.ts';
import type { Verdict } from '../../src/model/verdict.ts';
import { startMilter } from '../../src/sense/hooks/milter.ts';
import { runCommand } from './lab/daemon.ts';
import { dialSmtp } from './lab/dialogue.ts';
import { labClosed } from './lab/door.ts';
import { startPostfix } from './lab/postfix.ts';
import { askMilter, startSendmail } from './lab/sendmail.ts';
import { startWorld } from './lab/world.ts';

const port = 10_041;
const accept: Verdict = { kind: 'accept', why: [] };
const defer: Verdict = { kind: 'defer', reply: { code: '450', enhanced: '4.7.1', text: 'later' }, why: [] };
const reject: Verdict = { kind: 'reject', reply: { code: '554', enhanced: '5.7.1', text: 'never' }, why: [] };
const drop: Verdict = { kind: 'drop', reply: { code: '421', enhanced: '4.7.0', text: 'bye' }, why: [] };

type Scene = {
  readonly server: ServerName;
  readonly address: string;
  /** The server's own queue command, which shows what is held. */
  readonly held: () => Promise<string>;
  /** A recipient that exists. */
  readonly known: string;
  readonly unknown: string;
};

const play = async (t: TestContext, { server, address, held, known, unknown }: Scene): Promise<void> => {
  const asked: Question[] = [];
  const told: Event[] = [];
  let decide: (question: Question) => Verdict = () => accept;
  const start = () =>
    startMilter({
      listen: { host: '127.0.0.1', port },
      ask: (question) => {
        asked.push(question);
        return decide(question);
      },
      tell: (event) => told.push(event),
      complain: (error) => assert.fail(String(error)),
    });
  let milter = await start();
  t.after(() => milter.stop());
  const at = (stage: Question['stage'], verdict: Verdict) => (question: Question) =>
    question.stage === stage ? verdict : accept;

  const dial = (from: string) => dialSmtp({ from, to: address, port: 25 });
  const good = await dial('203.0.113.1');
  await good.say('EHLO client.test', 250);
  await good.say('FOO', 5);
  await good.say('MAIL FROM:<s@remote.test>', 250);
  await good.say(`RCPT TO:<${unknown}>`, 550);
  await good.say(`RCPT TO:<${known}>`, 250);
  await good.message('Subject: hello\n\nall is well\n', 250);
  await good.quit();
  assert.deepEqual(
    asked.map(({ stage }) => stage),
    ['connect', 'helo', 'sender', 'recipient', 'recipient', 'data', 'message'],
  );
  assert.ok(asked.every((question) => question.client === '203.0.113.1' && question.server === server));
  const recipients = told.filter(({ kind }) => kind === 'recipient');
  assert.deepEqual(
    recipients.map(({ recipient, outcome }) => [recipient, outcome]),
    [
      [unknown, 'unknown'],
      [known, 'accepted'],
    ],
  );
  assert.ok(told.some(({ kind }) => kind === 'command-error'));

  const toRcpt = async (from: string): Promise<string> => {
    const smtp = await dial(from);
    if (smtp.greeting.code !== 220) return `${smtp.greeting.code} ${smtp.greeting.text}`;
    const helo = await smtp.say('EHLO client.test');
    const mail = helo.code === 250 ? await smtp.say('MAIL FROM:<s@remote.test>') : helo;
    const reply = mail.code === 250 ? await smtp.say(`RCPT TO:<${known}>`) : mail;
    if (reply.code === 421) await smtp.closed();
    smtp.hangUp();
    return `${reply.code} ${reply.text}`;
  };
  decide = at('connect', drop);
  assert.match(await toRcpt('203.0.113.2'), /^421/);
  decide = at('sender', reject);
  assert.match(await toRcpt('203.0.113.3'), /^554 5.7.1 (<.*> ?\.\.\. ?)?never$/);
  decide = at('recipient', defer);
  assert.match(await toRcpt('203.0.113.4'), /^450 4.7.1 (<.*> ?\.\.\. ?)?later$/);
  decide = at('recipient', drop);
  assert.match(await toRcpt('203.0.113.5'), /^421 4.7.0 (<.*> ?\.\.\. ?)?bye$/);
  // What a server says of a name it has said before we are asked; what we can do is to end it there.
  const guesser = await dial('203.0.113.11');
  await guesser.say('EHLO client.test', 250);
  await guesser.say('MAIL FROM:<s@remote.test>', 250);
  await guesser.say(`RCPT TO:<${unknown}>`, 550);
  assert.equal((await guesser.say(`RCPT TO:<${unknown}>`)).code, server === 'sendmail' ? 0 : 550);
  guesser.hangUp();
  decide = at('recipient', { kind: 'delay', delayMs: 1000, why: [] });
  assert.match(await toRcpt('203.0.113.6'), /^250/);

  decide = at('message', { kind: 'hold', why: [] });
  const suspect = await dial('203.0.113.7');
  await suspect.say('EHLO client.test', 250);
  await suspect.send('junk@remote.test', [known], 'Subject: junk\n\nbuy\n');
  await suspect.quit();
  assert.match(await held(), /junk@remote\.test/);

  decide = () => accept;
  assert.deepEqual([milter.counts().garbage, milter.counts().faults], [0, 0]);
  await milter.stop();
  assert.match(await toRcpt('203.0.113.9'), /^250/, 'nobody answers: mail flows');
  milter = await start();
  decide = at('recipient', reject);
  assert.match(await toRcpt('203.0.113.10'), /^554/, 'asked again without a restart');
};

test('Postfix: asked, obeyed, open', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  assert.ok(world);
  const milter = `{ inet:127.0.0.1:${port}, connect_timeout=60s, command_timeout=60s, default_action=accept }`;
  await using postfix = await startPostfix({
    mainCf: { smtpd_milters: milter, smtpd_recipient_restrictions: 'permit' },
  });
  await play(t, {
    server: 'postfix',
    address: postfix.address,
    held: () =>
      runCommand('postqueue', ['-j']).then((lines) =>
        lines
          .split('\n')
          .filter((line) => line.includes('"hold"'))
          .join('\n'),
      ),
    known: 'alice@lab.test',
    unknown: 'nobody@lab.test',
  });
});

test('Sendmail: asked, obeyed, open', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  assert.ok(world);
  await using sendmail = await startSendmail(askMilter(`inet:${port}@127.0.0.1`));
  await play(t, {
    server: 'sendmail',
    address: sendmail.address,
    held: () => runCommand(sendmail.program, ['-Am', '-bp', '-qQ']),
    known: 'laba@mx.lab.test',
    unknown: 'nosuchuser@mx.lab.test',
  });
});
