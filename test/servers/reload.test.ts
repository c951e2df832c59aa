/** When `postern setup` says that it is done, the next session is under the new settings: no server is still on its way. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { heardFile, loggedFile } from '../../src/guard/check/heard.ts';
import { probeKey } from '../../src/guard/check/probe.ts';
import { findAsking } from '../../src/guard/check/stages.ts';
import { startGuard } from '../../src/guard/run.ts';
import { defaults } from '../../src/guard/settings.ts';
import { runCommand } from './lab/daemon.ts';
import { dialSmtp } from './lab/dialogue.ts';
import { labClosed } from './lab/door.ts';
import { startExim } from './lab/exim.ts';
import { reloadPostfix, startPostfix } from './lab/postfix.ts';
import { startSendmail } from './lab/sendmail.ts';
import { startWorld } from './lab/world.ts';

const postern = join(import.meta.dirname, '../../src/cli/main.ts');
const rounds = 5;
const reloads = 5;

type Place = { readonly server: string; readonly address: string; readonly recipient: string };

/** In and out again: a signal that comes while a server begins is easily lost. */
const setUpAgainAndAgain = async ({ server, address, recipient }: Place): Promise<void> => {
  const state = mkdtempSync('/run/postern-reload-');
  const config = join(state, 'postern.yaml');
  writeFileSync(config, `state: ${state}\nlogs: []\n`);
  const setup = (how: string): Promise<string> =>
    runCommand(process.execPath, [postern, 'setup', server, how, '--config', config]);
  const guard = await startGuard(
    new Map([...defaults, ['state', state], ['logs', []], ['check.every', '0']]),
    () => undefined,
  );
  // A new address each time: servers limit the connections of a client.
  const hooksThatHear = async (host: number): Promise<ReadonlySet<string>> => {
    const target = { host: address, port: 25, from: `203.0.113.${host}`, recipient };
    const { heard, steps } = await findAsking({
      target,
      key: probeKey(state),
      heardFile: heardFile(state),
      loggedFile: loggedFile(state),
    });
    assert.equal(steps.at(-1)?.answer.code, 221, 'a whole session');
    return new Set(heard.map(({ hook }) => hook));
  };
  try {
    for (let round = 1; round <= rounds; round++) {
      await setup('--apply');
      assert.notEqual((await hooksThatHear(2 * round)).size, 0, `round ${round}: set up, and asks`);
      await setup('--undo');
      assert.deepEqual([...(await hooksThatHear(2 * round + 1))], [], `round ${round}: taken back, and asks nobody`);
    }
  } finally {
    await guard.stop();
    rmSync(state, { recursive: true });
  }
};

test('Exim', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using exim = await startExim();
  await setUpAgainAndAgain({ server: 'exim', address: exim.address, recipient: 'alice@lab.test' });
});

test('Sendmail', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using sendmail = await startSendmail();
  await setUpAgainAndAgain({ server: 'sendmail', address: sendmail.address, recipient: 'laba@mx.lab.test' });
});

test('Postfix', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using postfix = await startPostfix();
  await setUpAgainAndAgain({ server: 'postfix', address: postfix.address, recipient: 'alice@lab.test' });
});

// Nothing lies between here, not even the end of a command: the idle server that took the session before is still there.
test('Postfix, reloaded as any deed does it', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using postfix = await startPostfix();
  const greeting = async (host: number): Promise<string> => {
    const smtp = await dialSmtp({ from: `203.0.113.${host}`, to: postfix.address, port: 25 });
    await smtp.quit();
    return smtp.greeting.text;
  };
  const greeted: string[] = [];
  for (let round = 1; round <= reloads; round++) {
    await runCommand('postconf', ['-e', `smtpd_banner=round ${round} ESMTP`]);
    await reloadPostfix();
    greeted.push(await greeting(round));
  }
  assert.deepEqual(
    greeted,
    Array.from({ length: reloads }, (_, before) => `round ${before + 1} ESMTP`),
  );
});
