/** Accounts: shut out of a running Dovecot, of the system's own list of users, and locked for the guard to read. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { accountLock } from '../../../src/act/account-lock.ts';
import { loginShut } from '../../../src/act/login-shut.ts';
import { strictAnswers } from '../../../src/act/strict-answers.ts';
import { runCommand } from '../../servers/lab/daemon.ts';
import { dialImap } from '../../servers/lab/dialogue.ts';
import { labDir } from '../../servers/lab/door.ts';
import { layConfig } from '../../servers/lab/machine.ts';
import { startWorld } from '../../servers/lab/world.ts';
import { accountCommand, keptFile, row } from './row.ts';
import type { Stage } from './row.ts';

const denyFile = '/etc/dovecot/postern-deny';
const denyPassdb = `passdb {\n  driver = passwd-file\n  deny = yes\n  args = ${denyFile}\n  auth_verbose = no\n}`;
const ownPassdb = '/etc/dovecot/before-passwords.conf';

const startDovecot = async (): Promise<Stage> => {
  layConfig('dovecot');
  writeFileSync(ownPassdb, denyPassdb);
  writeFileSync(denyFile, '# our own\ncarol@lab.test:');
  const world = await startWorld();
  return {
    // Its time moves on: by that Dovecot sees that it is another.
    kept: () => {
      const { bytes, mode, owner } = keptFile(denyFile) ?? {};
      return Promise.resolve({ bytes, mode, owner });
    },
    counts: async () => {
      const imap = await dialImap({ from: '203.0.113.7', to: world.dovecot.address, port: world.dovecot.ports.imap });
      const { status } = await imap.say('LOGIN alice@lab.test alicepw');
      imap.hangUp();
      return status === 'NO';
    },
    // Dovecot looks at the file at most once a second.
    attemptsMax: 500,
    [Symbol.asyncDispose]: async () => {
      await world[Symbol.asyncDispose]();
      rmSync(ownPassdb);
    },
  };
};

/** Another user store: a file of Dovecot's, in which a mark before the password locks. */
const storeProgram = `#!/bin/sh
case "$2" in
  lock) sed -i "s/^$3:/&!/" "$1" ;;
  unlock) sed -i "s/^$3:!/$3:/" "$1" ;;
  status) if grep -q "^$3:!" "$1"; then echo locked; elif grep -q "^$3:" "$1"; then echo open; else echo unknown; fi ;;
esac
`;

const startStore = async (): Promise<Stage> => {
  const { kept: _, [Symbol.asyncDispose]: end, ...stage } = await startDovecot();
  rmSync(ownPassdb);
  await runCommand('doveadm', ['reload']);
  writeFileSync(accountCommand, storeProgram, { mode: 0o755 });
  return {
    ...stage,
    kept: () => Promise.resolve(readFileSync('/etc/dovecot/users', 'latin1')),
    [Symbol.asyncDispose]: async () => {
      rmSync(accountCommand);
      writeFileSync(ownPassdb, '');
      await end();
    },
  };
};

const startUsers = async (): Promise<Stage> => {
  labDir();
  if (existsSync(ownPassdb)) rmSync(ownPassdb);
  await runCommand('useradd', ['-M', '-p', '$6$salt$hash', 'alice']);
  return {
    kept: () => Promise.resolve(readFileSync('/etc/shadow', 'latin1')),
    counts: async () => (await runCommand('passwd', ['-S', 'alice'])).split(' ')[1] === 'L',
    [Symbol.asyncDispose]: async () => void (await runCommand('userdel', ['alice'])),
  };
};

const startLedger = (kind: 'account-lock' | 'strict-answers') => (): Promise<Stage> =>
  Promise.resolve({
    kept: () => Promise.resolve('nothing outside'),
    counts: ({ receipts }) => Promise.resolve(receipts.inForce(kind).length === 1),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });

export const accountRows = [
  row('dovecot', {
    name: 'Dovecot login',
    act: loginShut,
    wanted: () => ({ account: 'alice@lab.test' }),
    start: startDovecot,
  }),
  row('command', {
    name: 'another user store',
    act: loginShut,
    wanted: () => ({ account: 'alice@lab.test' }),
    start: startStore,
  }),
  row('system', { name: 'system user', act: loginShut, wanted: () => ({ account: 'alice' }), start: startUsers }),
  row('ledger', {
    name: 'held for the guard',
    act: accountLock,
    wanted: () => ({ account: 'alice@lab.test' }),
    start: startLedger('account-lock'),
    isReceipt: true,
  }),
  row('ledger', {
    name: 'an emergency',
    act: strictAnswers,
    wanted: () => undefined,
    start: startLedger('strict-answers'),
    isReceipt: true,
  }),
];
