/** The lab itself: when these fail, every other server test is about the lab and not about Postern. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitLine } from './lab/await.ts';
import { dialImap, dialPop3, dialSmtp } from './lab/dialogue.ts';
import { labClosed, labFailure } from './lab/door.ts';
import { startExim } from './lab/exim.ts';
import { startPostfix } from './lab/postfix.ts';
import { startSendmail } from './lab/sendmail.ts';
import { startWorld } from './lab/world.ts';

const client = '203.0.113.7';
const servers = [
  { name: 'Postfix', start: startPostfix },
  { name: 'Exim', start: startExim },
  { name: 'Sendmail', start: startSendmail },
] as const;

test('the real servers are here, or this machine cannot have them', () => {
  assert.equal(labFailure, undefined);
});

for (const { name, start } of servers) {
  test(`${name} takes mail for Dovecot and sends mail abroad`, { skip: labClosed }, async () => {
    await using world = await startWorld();
    await using server = await start();

    const smtp = await dialSmtp({ from: client, to: server.address, port: server.ports.smtp });
    await smtp.say('EHLO client.test', 250);
    await smtp.send('s@remote.test', ['alice@lab.test'], 'Message-ID: <hello@remote.test>\nSubject: hello\n\nhello');
    await smtp.say('MAIL FROM:<s@remote.test>', 250);
    await smtp.say('RCPT TO:<nobody@lab.test>', 550);
    await smtp.say('RCPT TO:<x@elsewhere.test>', 5);
    await smtp.quit();
    await awaitLine(world.log.traditional, 'the delivery', (line) =>
      line.includes('<hello@remote.test>: saved mail to'),
    );

    const submission = await dialSmtp({ from: client, to: server.address, port: server.ports.submission });
    await submission.say('EHLO client.test', 250);
    await submission.authPlain('alice@lab.test', 'wrong', 535);
    await submission.authPlain('alice@lab.test', 'alicepw', 235);
    await submission.send('alice@lab.test', ['friend@remote.test'], 'Subject: hello\n\nhello');
    await submission.quit();
    const sunk = await world.sink.messageTo('friend@remote.test');
    assert.equal(sunk.sender, 'alice@lab.test');
    assert.match(sunk.data, new RegExp(client.replaceAll('.', '\\.')), 'the server saw the client at its own address');
  });
}

test('Dovecot lets in who knows the password', { skip: labClosed }, async () => {
  await using world = await startWorld();
  const { dovecot } = world;
  const imap = await dialImap({ from: client, to: dovecot.address, port: dovecot.ports.imap });
  assert.equal((await imap.say('LOGIN alice@lab.test wrong')).status, 'NO');
  assert.equal((await imap.say('LOGIN alice@lab.test alicepw')).status, 'OK');
  assert.equal((await imap.say('LOGOUT')).status, 'OK');
  const pop3 = await dialPop3({ from: client, to: dovecot.address, port: dovecot.ports.pop3 });
  assert.ok((await pop3.say('USER bob@lab.test')).isOk);
  assert.ok((await pop3.say('PASS bobpw')).isOk);
  pop3.hangUp();
  await awaitLine(
    world.log.iso,
    'the login',
    (line) => line.includes(`user=<bob@lab.test>`) && line.includes(`rip=${client}`),
  );
});
