/**
 * A harvester at a gate with the real judge: once it is proven it hears the same for names that exist and names that do not; and
 * the postmaster opens what it was told by the reference in it (`postern explain`) and by its address (`postern session`).
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGuard } from '../../../src/guard/run.ts';
import { postern, settingsAt } from '../../stories/postmaster.ts';
import { labClosed } from '../lab/door.ts';
import { dial } from './scene.ts';

const client = '203.0.113.7';
const guessesMax = 40;

test('a proven harvester learns nothing more, and the postmaster all', { skip: labClosed }, async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'postern-harvester-'));
  t.after(() => rmSync(state, { recursive: true }));
  const settings = settingsAt(state, 'gate')
    .set('logs', [])
    .set('gate.listen', '127.0.0.1:2525')
    .set('gate.protect', ['lab.test'])
    .set('gate.mailboxes', ['alice', 'bob'])
    .set('gate.greetPauseMs', 0)
    .set('gate.limits.unknownBeforeDelay', 0)
    .set('gate.limits.errorsPerConnection', 0);
  const guard = await startGuard(settings, () => undefined);
  let ref = '';
  try {
    const smtp = await dial(client);
    await smtp.say('EHLO harvest.test', 250);
    await smtp.say('MAIL FROM:<s@remote.test>', 250);
    let truthful = 0;
    let said = await smtp.say('RCPT TO:<guess0@lab.test>', 550);
    // First it is told the truth.
    for (; !said.text.includes(' ref='); truthful++) {
      assert.ok(truthful < guessesMax, 'it is recognised');
      said = await smtp.say(`RCPT TO:<guess${truthful + 1}@lab.test>`);
    }
    assert.ok(truthful > 1, 'unknown names were told before');
    const answers = new Set([said.text.replace(/ref=\w+$/, 'ref=')]);
    for (const name of ['alice', 'guess98', 'postmaster', 'guess99', 'bob']) {
      const { code, text } = await smtp.say(`RCPT TO:<${name}@lab.test>`);
      answers.add(text.replace(/ref=\w+$/, 'ref='));
      assert.ok(code >= 400, `${name}: ${code}`);
      ref = /ref=(\w+)$/.exec(text)?.[1] ?? '';
      assert.match(ref, /^[0-9A-HJKMNP-TV-Z]{5}$/, text);
    }
    assert.equal(answers.size, 1, [...answers].join('\n'));
    await smtp.say('DATA', 554);
    smtp.hangUp();
    await guard.settled();
  } finally {
    await guard.stop();
  }
  const explained = await postern('explain', ref, '--state', state);
  for (const word of [client, 'bob@lab.test', 'harvest', ref]) assert.ok(explained.includes(word), explained);
  const session = await postern('session', client, '--state', state);
  for (const line of ['> EHLO harvest.test', '> RCPT TO:<guess0@lab.test>', '< 550 5.1.1'])
    assert.ok(session.includes(line), session);
});
