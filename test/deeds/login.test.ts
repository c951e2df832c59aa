/** An account is shut out of a real Dovecot and in the system's own list of users, and afterwards all is as it was. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loginShut } from '../../src/act/login-shut.ts';
import { perform, planAll } from '../../src/act/perform.ts';
import { recover, undo } from '../../src/act/recover.ts';
import { openDesk } from '../../src/guard/desk.ts';
import type { OpenDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import { until } from '../servers/lab/await.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { dialImap } from '../servers/lab/dialogue.ts';
import { labClosed } from '../servers/lab/door.ts';
import { layConfig } from '../servers/lab/machine.ts';
import { startWorld } from '../servers/lab/world.ts';

const denyFile = '/etc/dovecot/postern-deny';
const denyPassdb = `passdb {\n  driver = passwd-file\n  deny = yes\n  args = ${denyFile}\n  auth_verbose = no\n}`;
const order = { who: 'test', why: 'test', until: undefined, incident: undefined };

const withDesk = async (play: (desk: OpenDesk) => Promise<void>): Promise<void> => {
  const state = mkdtempSync(join(tmpdir(), 'postern-account-'));
  const desk = openDesk(state, { carryOut: createCarryOut(createAllowance()) });
  try {
    await play(desk);
  } finally {
    desk.close();
    rmSync(state, { recursive: true });
  }
};

test(
  'Dovecot: sessions end, logins are refused, others pass, and the end of the lock is one',
  { skip: labClosed },
  async () => {
    layConfig('dovecot');
    writeFileSync('/etc/dovecot/before-passwords.conf', denyPassdb);
    writeFileSync(denyFile, '');
    await using world = await startWorld();

    const target = { from: '203.0.113.7', to: world.dovecot.address, port: world.dovecot.ports.imap };
    const login = async (account: string, password: string): Promise<string> => {
      const imap = await dialImap(target);
      const { status } = await imap.say(`LOGIN ${account} ${password}`);
      imap.hangUp();
      return status;
    };
    /** Dovecot looks at the file at most once a second: it is asked until it has. */
    const ends = (status: string): Promise<void> =>
      until(
        () => `no login ended with ${status}`,
        async () => (await login('alice@lab.test', 'alicepw')) === status,
      );
    await withDesk(async (desk) => {
      const session = await dialImap(target);
      assert.equal((await session.say('LOGIN alice@lab.test alicepw')).status, 'OK');
      const { receipt, plan } = await perform(loginShut, { account: 'Alice@lab.test' }, order, desk);
      assert.ok(receipt !== undefined);
      assert.match(plan.lines.join('\n'), /postern-deny: alice@lab\.test/);
      assert.match(readFileSync(denyFile, 'latin1'), /^alice@lab\.test:$/m);
      assert.equal((await session.say('NOOP')).status, 'BYE', 'the open session was closed');
      await ends('NO');
      assert.equal(await login('bob@lab.test', 'bobpw'), 'OK');
      await undo([receipt.id], 'test', desk);
      assert.equal(readFileSync(denyFile, 'latin1'), '');
      await ends('OK');
    });
  },
);

test('a system user keeps the state of its password, whichever it was', { skip: labClosed }, async () => {
  for (const user of ['open', 'shut']) {
    await runCommand('useradd', ['-M', '-p', '$6$salt$hash', user]);
    if (user === 'shut') await runCommand('usermod', ['-L', user]);
  }
  const shadow = readFileSync('/etc/shadow', 'latin1');
  const stateOf = async (user: string): Promise<string> =>
    (await runCommand('passwd', ['-S', user])).split(' ')[1] ?? '';
  await withDesk(async (desk) => {
    const ids: string[] = [];
    for (const account of ['open@lab.test', 'shut']) {
      const { receipt } = await perform(loginShut, { account }, { ...order, until: Date.now() + 60_000 }, desk);
      ids.push(receipt?.id ?? assert.fail('nothing was done'));
    }
    assert.deepEqual([await stateOf('open'), await stateOf('shut')], ['L', 'L']);
    const over = { ...desk, now: () => Date.now() + 60_000 };
    assert.equal((await recover(over)).length, 2);
    assert.equal(readFileSync('/etc/shadow', 'latin1'), shadow);
    await assert.rejects(planAll(loginShut, [{ account: 'root' }], desk.carryOut), /root is not shut out/);
    await assert.rejects(planAll(loginShut, [{ account: 'a b' }], desk.carryOut), /expected a login name/);
    assert.equal(ids.length, 2);
    const { receipt } = await perform(loginShut, { account: 'open' }, order, desk);
    await runCommand('userdel', ['open']);
    await undo([receipt?.id ?? ''], 'test', desk);
    assert.deepEqual(desk.receipts.inState('undoing'), [], 'who left is not waited for');
  });
});
