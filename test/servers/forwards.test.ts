/** Forwards off and on again, on real Postfix and Exim: what goes out, what stays, and the file's bytes afterwards. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { postern } from '../stories/postmaster.ts';
import { awaitLine, linesOf } from './lab/await.ts';
import { runCommand } from './lab/daemon.ts';
import { dialSmtp } from './lab/dialogue.ts';
import { labClosed } from './lab/door.ts';
import { startExim } from './lab/exim.ts';
import { reloadPostfix, startPostfix } from './lab/postfix.ts';
import { startWorld } from './lab/world.ts';
import type { World } from './lab/world.ts';

const servers = [
  {
    name: 'Postfix',
    file: '/etc/postfix/virtual',
    start: async () => {
      const postfix = await startPostfix({ mainCf: { virtual_alias_maps: 'hash:/etc/postfix/virtual' } });
      await runCommand('postmap', ['hash:/etc/postfix/virtual']);
      await reloadPostfix();
      return postfix;
    },
  },
  { name: 'Exim', file: '/etc/exim4/valiases/lab.test', start: async () => startExim() },
] as const;

/** A stranger writes to an alias. @returns the reply to RCPT */
const write = async (address: string, to: string, mark: string): Promise<string> => {
  const smtp = await dialSmtp({ from: '203.0.113.7', to: address, port: 25 });
  await smtp.say('EHLO client.test', 250);
  await smtp.say('MAIL FROM:<s@remote.test>', 250);
  const reply = await smtp.say(`RCPT TO:<${to}>`);
  if (reply.code === 250) await smtp.message(`Message-ID: <${mark}@remote.test>\nSubject: ${mark}\n\nhello`, 250);
  smtp.hangUp();
  return String(reply.code);
};

const delivered = (world: World, mark: string): Promise<string> =>
  awaitLine(world.log.traditional, mark, (line) => line.includes(`<${mark}@remote.test>: saved mail to`));

const sunk = (world: World, mark: string): boolean =>
  world.sink.messages.some(({ data }) => data.includes(`Subject: ${mark}`));

for (const { name, file, start } of servers) {
  test(`${name}: a forward is listed, switched off and on again`, { skip: labClosed }, async () => {
    await using world = await startWorld();
    // What a test before left in the lab's own /etc is of a Sendmail that this machine does not have.
    rmSync('/etc/mail', { recursive: true, force: true });
    await using server = await start();
    const state = mkdtempSync(join(tmpdir(), 'postern-forwards-'));
    try {
      const before = readFileSync(file, 'latin1');
      assert.equal(await write(server.address, 'two@lab.test', 'first'), '250');
      await delivered(world, 'first');
      await world.sink.messageTo('ext@remote.test');
      const { forwards } = JSON.parse(await postern('forwards', '--json'));
      assert.ok(
        forwards.some(
          (each: { address: string; targets: string[] }) =>
            each.address === 'two@lab.test' && each.targets.includes('ext@remote.test'),
        ),
      );

      assert.match(
        await postern('forwards', 'off', 'two@lab.test', '--state', state),
        /no longer sends to ext@remote\.test/,
      );
      assert.equal(await write(server.address, 'two@lab.test', 'second'), '250');
      await delivered(world, 'second');
      assert.match(await postern('forwards', 'off', 'fwd@lab.test', '--state', state), /refused as unknown/);
      assert.match(await write(server.address, 'fwd@lab.test', 'third'), /^550$/);
      assert.match(await postern('forwards'), /switched off/);

      for (const alias of ['two@lab.test', 'fwd@lab.test']) await postern('forwards', 'on', alias, '--state', state);
      assert.equal(readFileSync(file, 'latin1'), before, 'the file is what it was');
      assert.equal(await write(server.address, 'fwd@lab.test', 'fourth'), '250');
      await world.sink.messageTo('someone@remote.test');
      assert.deepEqual([sunk(world, 'first'), sunk(world, 'second'), sunk(world, 'fourth')], [true, false, true]);
      assert.ok(linesOf(world.log.traditional).length > 0);
    } finally {
      rmSync(state, { recursive: true });
    }
  });
}
