/** The cPanel story, on three servers: find what accepts unknown names, refuse them from the next guess on, put it back exactly. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../servers/lab/daemon.ts';
import { dialSmtp } from '../servers/lab/dialogue.ts';
import { labClosed } from '../servers/lab/door.ts';
import { startExim } from '../servers/lab/exim.ts';
import { startPostfix } from '../servers/lab/postfix.ts';
import { startSendmail } from '../servers/lab/sendmail.ts';
import { startWorld } from '../servers/lab/world.ts';

const postern = join(import.meta.dirname, '../../src/cli/main.ts');

type Kept = { readonly bytes: string; readonly mode: number; readonly owner: number; readonly modified: bigint };
const keptOf = (path: string): Kept => {
  const { mode, uid, mtimeNs } = statSync(path, { bigint: true });
  return { bytes: readFileSync(path, 'latin1'), mode: Number(mode), owner: Number(uid), modified: mtimeNs };
};

type Scene = {
  readonly address: string;
  /** Where the maps are, as options. */
  readonly places: readonly string[];
  /** The file that decides about catchall.test. */
  readonly file: string;
  /** An honest edit, made while it is locked. */
  readonly edit: string;
};

const play = async ({ address, places, file, edit }: Scene): Promise<void> => {
  const state = mkdtempSync(join(tmpdir(), 'postern-catchall-'));
  const run = async (...args: readonly string[]): Promise<string> =>
    runCommand(process.execPath, [postern, 'catchall', ...args, '--state', state, ...places]);
  let guesses = 0;
  const guess = async (): Promise<number> => {
    const smtp = await dialSmtp({ from: '203.0.113.7', to: address, port: 25 });
    await smtp.say('EHLO client.test', 250);
    await smtp.say('MAIL FROM:<s@remote.test>', 250);
    const { code } = await smtp.say(`RCPT TO:<guess${++guesses}@catchall.test>`);
    smtp.hangUp();
    return code;
  };
  try {
    chmodSync(file, 0o604);
    utimesSync(file, 1_700_000_000.25, 1_700_000_000.5);
    const before = keptOf(file);

    assert.equal(await guess(), 250, 'a guess is accepted');
    await assert.rejects(run('audit', '--json'), (error: Error) => {
      assert.match(error.message, /ended with 1: /);
      assert.match(error.message, /"domain": "catchall\.test"/);
      return true;
    });
    assert.match(await run('lock', '--dry-run', '--domains', 'catchall.test'), /would be done: .*catchall\.test/);
    assert.deepEqual(keptOf(file), before, 'a dry run changes nothing');

    assert.match(await run('lock', '--domains', 'catchall.test'), /undo: postern undo A/);
    assert.equal(await guess(), 550, 'the very next guess is refused at RCPT');
    await run('restore');
    assert.deepEqual(keptOf(file), before, 'bytes, mode, owner and times');
    assert.equal(await guess(), 250);

    await run('lock', '--domains', 'catchall.test');
    appendFileSync(file, edit);
    await run('restore');
    assert.equal(readFileSync(file, 'latin1'), `${before.bytes}${edit}`, 'an edit made meanwhile stays');
    assert.equal(await guess(), 250);
  } finally {
    rmSync(state, { recursive: true });
  }
};

test('Exim, in the layout of cPanel', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using exim = await startExim();
  const places = ['--valiases', '/etc/exim4/valiases', '--postfix', '/nowhere', '--virtusertable', '/nowhere'];
  await play({
    address: exim.address,
    places,
    file: '/etc/exim4/valiases/catchall.test',
    edit: 'new@catchall.test: alice@lab.test\n',
  });
});

test('Postfix', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using postfix = await startPostfix();
  await play({
    address: postfix.address,
    places: ['--valiases', '/nowhere', '--virtusertable', '/nowhere'],
    file: '/etc/postfix/virtual',
    edit: 'new@lab.test alice@lab.test\n',
  });
});

test('Sendmail', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using sendmail = await startSendmail();
  // The lab unpacks Sendmail where nobody would look for it; this mount is the lab's own.
  await runCommand('mount', ['-t', 'tmpfs', 'lab', '/usr/local/sbin']);
  symlinkSync(join(dirname(sendmail.program), 'makemap'), '/usr/local/sbin/makemap');
  await play({
    address: sendmail.address,
    places: ['--valiases', '/nowhere', '--postfix', '/nowhere'],
    file: '/etc/mail/virtusertable',
    edit: 'new@lab.test\tlaba\n',
  });
});

test('panic and calm: one switch, shown first, taken back to the byte', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using exim = await startExim();
  const state = mkdtempSync(join(tmpdir(), 'postern-panic-'));
  const places = ['--valiases', '/etc/exim4/valiases', '--postfix', '/nowhere', '--virtusertable', '/nowhere'];
  const run = (...args: readonly string[]): Promise<string> =>
    runCommand(process.execPath, [postern, ...args, '--state', state]);
  const files = ['catchall.test', 'blackhole.test', 'forward.test'].map((name) => `/etc/exim4/valiases/${name}`);
  const guess = async (domain: string): Promise<number> => {
    const smtp = await dialSmtp({ from: '203.0.113.8', to: exim.address, port: 25 });
    await smtp.say('EHLO client.test', 250);
    await smtp.say('MAIL FROM:<s@remote.test>', 250);
    const { code } = await smtp.say(`RCPT TO:<nobody@${domain}>`);
    smtp.hangUp();
    return code;
  };
  try {
    const before = files.map(keptOf);
    assert.match(await run('panic', ...places), /would be done: [^]*blackhole\.test[^]*postern calm/);
    assert.deepEqual(files.map(keptOf), before, 'shown, not done');
    assert.equal(await guess('blackhole.test'), 250);
    assert.match(await run('panic', '--apply', ...places), /take it back: postern calm/);
    for (const domain of ['catchall.test', 'blackhole.test', 'forward.test'])
      assert.equal(await guess(domain), 550, domain);
    assert.match(await run('calm'), /as before/);
    assert.deepEqual(files.map(keptOf), before);
    assert.equal(await guess('blackhole.test'), 250);
    assert.match(await run('calm'), /no panic is on/);
  } finally {
    rmSync(state, { recursive: true });
  }
});
