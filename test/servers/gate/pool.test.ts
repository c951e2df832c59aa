/** Connections to the server behind the gate: kept for the next session, or its own with no word too many. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { awaitLine, linesOf } from '../lab/await.ts';
import { labClosed } from '../lab/door.ts';
import { startExim } from '../lab/exim.ts';
import { hosts } from '../lab/network.ts';
import { startPostfix } from '../lab/postfix.ts';
import { startWorld } from '../lab/world.ts';
import { behind, dial, openGate } from './scene.ts';

const deliver = async (from: string, name: string): Promise<number> => {
  const smtp = await dial(from);
  await smtp.say(`EHLO ${name}.test`, 250);
  const { code } = await smtp.send(`${name}@remote.test`, ['alice@lab.test'], `Subject: ${name}\n\n${name}`);
  await smtp.quit();
  return code;
};

const connectionsIn = (log: string): number =>
  linesOf(log).filter((line) => line.includes('SMTP connection from') && line.includes('TCP/IP connection count'))
    .length;

test(
  'sessions share a connection, but not after a refusal; a connection that died costs nothing',
  { skip: labClosed },
  async (t) => {
    await using world = await startWorld();
    assert.ok(world);
    const first = await startExim({ logSelector: '+smtp_connection' });
    await openGate(t, { backend: behind(first.address) });

    assert.equal(await deliver('203.0.113.1', 'one'), 250);
    const before = connectionsIn(first.mainLog);
    assert.ok(before >= 1);
    for (const [at, name] of ['two', 'three', 'four'].entries())
      assert.equal(await deliver(`203.0.113.${at + 2}`, name), 250);
    await awaitLine(first.mainLog, 'the fourth message', (line) => line.includes('<= four@remote.test'));
    assert.equal(connectionsIn(first.mainLog), before, 'no other connection was made');
    const spooled = readFileSync(first.mainLog, 'latin1');
    for (const name of ['one', 'two', 'three', 'four']) assert.match(spooled, new RegExp(`<= ${name}@remote\\.test`));

    for (const [at, farewell] of [[], ['RSET']].entries()) {
      const guesser = await dial('203.0.113.9');
      await guesser.say('EHLO guess.test', 250);
      await guesser.say('MAIL FROM:<s@remote.test>', 250);
      await guesser.say('RCPT TO:<nobody@lab.test>', 550);
      for (const line of farewell) await guesser.say(line, 250);
      await guesser.quit();
      assert.equal(connectionsIn(first.mainLog), before + at, 'it had the kept one');
      assert.equal(await deliver('203.0.113.5', `five${at}`), 250);
      assert.equal(connectionsIn(first.mainLog), before + at + 1, 'what a guesser had serves nobody else');
    }

    await first.stop();
    await using second = await startExim({ logSelector: '+smtp_connection' });
    assert.ok(second);
    assert.equal(await deliver('203.0.113.6', 'six'), 250, 'a kept connection has died meanwhile');
  },
);

test(
  'Postfix is told of the client at once, and greeted as before when it does not let any more',
  { skip: labClosed },
  async (t) => {
    await using world = await startWorld();
    const first = await startPostfix({ mainCf: { smtpd_authorized_xclient_hosts: '192.0.2.0/24, 127.0.0.0/8' } });
    await openGate(t, { backend: behind(first.address) });
    assert.equal(await deliver('203.0.113.1', 'one'), 250);
    // One EHLO, in the client's name; the other one is the gate's own, once a minute.
    const farewell = 'disconnect from unknown[203.0.113.1] ehlo=1 xclient=';
    await awaitLine(world.log.traditional, farewell, (line) => line.includes(farewell));

    await first.stop();
    await using second = await startPostfix();
    assert.ok(second);
    assert.equal(await deliver('203.0.113.2', 'two'), 250);
    const unnamed = /: client=\S+\[192\.0\.2\.\d+\]/;
    await awaitLine(world.log.traditional, String(unnamed), (line) => unnamed.test(line));
  },
);

test('a Postfix that was down when the client greeted is told of it all the same', { skip: labClosed }, async (t) => {
  // The gate asks it again in five seconds, and that is not what this is about.
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  await using world = await startWorld();
  await openGate(t, { backend: behind(hosts.postfix) });
  const smtp = await dial('203.0.113.3');
  assert.doesNotMatch((await smtp.say('EHLO three.test', 250)).text, /SIZE/);
  await using postfix = await startPostfix({ mainCf: { smtpd_authorized_xclient_hosts: '192.0.2.0/24, 127.0.0.0/8' } });
  assert.ok(postfix);
  await smtp.send('three@remote.test', ['alice@lab.test'], 'Subject: three\n\nx\n');
  await smtp.quit();
  const named = /: client=\S+\[203\.0\.113\.3\]/;
  await awaitLine(world.log.traditional, String(named), (line) => named.test(line));
});
