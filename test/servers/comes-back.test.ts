/** When the guard is away mail flows on, and when it is back the very same server process asks it again. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeProbe, probeKey } from '../../src/guard/check/probe.ts';
import type { ProbeKind } from '../../src/guard/check/probe.ts';
import { startGuard } from '../../src/guard/run.ts';
import type { Guard } from '../../src/guard/run.ts';
import { defaults } from '../../src/guard/settings.ts';
import { runCommand } from './lab/daemon.ts';
import { dialSmtp } from './lab/dialogue.ts';
import type { SmtpDialogue } from './lab/dialogue.ts';
import { labClosed } from './lab/door.ts';
import { startPostfix } from './lab/postfix.ts';
import { startWorld } from './lab/world.ts';

const postern = join(import.meta.dirname, '../../src/cli/main.ts');

for (const [hook, flags] of [
  ['policy', []],
  ['milter', ['--milter']],
] as const)
  test(`Postfix asks again, by ${hook}`, { skip: labClosed }, async () => {
    await using world = await startWorld();
    assert.ok(world);
    await using postfix = await startPostfix();
    const state = mkdtempSync('/run/postern-back-');
    const config = join(state, 'postern.yaml');
    writeFileSync(config, `state: ${state}\nlogs: []\n`);
    const start = (): Promise<Guard> =>
      startGuard(new Map([...defaults, ['state', state], ['logs', []], ['check.every', '0']]), () => undefined);
    const ask = async (smtp: SmtpDialogue, kind: ProbeKind): Promise<string> => {
      await smtp.say(`EHLO ${makeProbe(probeKey(state), hook, kind).name}`, 250);
      await smtp.say('MAIL FROM:<>', 250);
      return (await smtp.say('RCPT TO:<alice@lab.test>')).text;
    };
    const dial = (): Promise<SmtpDialogue> => dialSmtp({ from: '203.0.113.9', to: postfix.address, port: 25 });
    let guard = await start();
    try {
      await runCommand(process.execPath, [postern, 'setup', 'postfix', ...flags, '--apply', '--config', config]);
      const smtp = await dial();
      assert.match(await ask(smtp, 'recipient'), /postern check/);
      assert.match(await ask(smtp, 'open'), /2\.1\.5 Ok/, 'no answer, and mail flows');
      // A milter that fails in a session is not asked again in it (MILTER_README).
      const next = hook === 'milter' ? await dial() : smtp;
      assert.match(await ask(next, 'recipient'), /postern check/, 'asked again after it had kept silent');
      await guard.stop();
      assert.match(await ask(next, 'recipient'), /2\.1\.5 Ok/, 'nobody is there, and mail flows');
      guard = await start();
      assert.match(await ask(hook === 'milter' ? await dial() : next, 'recipient'), /postern check/, 'it is back');
      await runCommand(process.execPath, [postern, 'setup', 'postfix', '--undo', '--config', config]);
    } finally {
      await guard.stop();
      rmSync(state, { recursive: true });
    }
  });
