/** A notice by mail through a real Postfix arrives in a real mailbox; one that cannot go says why. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { mailChannel } from '../../src/show/notices/mail.ts';
import { plainNotice } from '../../src/show/notices/notice.ts';
import { awaitLine } from './lab/await.ts';
import { labClosed } from './lab/door.ts';
import { startPostfix } from './lab/postfix.ts';
import { startWorld } from './lab/world.ts';

test('a mail arrives with its subject and its commands', { skip: labClosed }, async () => {
  await using world = await startWorld();
  await using postfix = await startPostfix();
  const choice = { password: undefined, from: 'postern@lab.test', to: ['alice@lab.test'] };
  const notice = plainNotice('acted', 'blocked 203.0.113.7 – ä', '7F3KQ2', Date.now(), 'mx.lab.test');
  await mailChannel({ ...choice, server: `smtp://${postfix.address}:25?tls=off` }).send(notice);
  await awaitLine(world.log.traditional, 'the delivery', (line) => line.includes('saved mail to'));
  const [file = ''] = globSync('/var/spool/vmail/lab.test/alice/new/*');
  const mail = readFileSync(file, 'latin1');
  const [head = '', body = ''] = mail.replaceAll('\r\n', '\n').split('\n\n');
  const subject = [...head.matchAll(/=\?utf-8\?B\?([^?]*)\?=/g)].map(([, part = '']) => part).join('');
  assert.equal(Buffer.from(subject, 'base64').toString(), '[postern mx.lab.test] blocked 203.0.113.7 – ä');
  assert.match(Buffer.from(body, 'base64').toString(), /postern undo 7F3KQ2/);
  assert.match(head, /^Auto-Submitted: auto-generated$/m);

  const send = (server: string, to = choice.to): Promise<void> => mailChannel({ ...choice, server, to }).send(notice);
  await assert.rejects(send(`smtp://${postfix.address}:25`), /TLS|certificate|self-signed/i);
  await assert.rejects(send(`smtp://${postfix.address}:25?tls=off`, ['nobody@lab.test']), /answered 550/);
  await assert.rejects(send(`smtp://${postfix.address}:26?tls=off`), /ECONNREFUSED/);
});
