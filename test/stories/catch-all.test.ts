/** The cPanel story, on three servers: find what accepts unknown names, refuse them from the next guess on, put it back exactly. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { awaitLine } from '../servers/lab/await.ts';
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
  readonly log: DeliveryLog;
  /** How the server itself is asked afterwards. */
  readonly tool: string | undefined;
};

type DeliveryLog = {
  readonly path: string;
  readonly delivered: RegExp;
};

/** What an attack costs where a name that does not exist is delivered. */
const deliver = async (address: string, { path, delivered }: DeliveryLog): Promise<void> => {
  const smtp = await dialSmtp({ from: '203.0.113.7', to: address, port: 25 });
  await smtp.say('EHLO client.test', 250);
  const { code } = await smtp.send('s@remote.test', ['guessed@catchall.test'], 'Subject: guess\n\nguess');
  assert.equal(code, 250);
  await smtp.quit();
  await awaitLine(path, 'the delivery', (line) => delivered.test(line));
};

/** The lab unpacks servers where nobody would look for them; this mount is the lab's own. */
const installHere = async (programs: Readonly<Record<string, string>>): Promise<void> => {
  await runCommand('mount', ['-t', 'tmpfs', 'lab', '/usr/local/sbin']);
  for (const [name, program] of Object.entries(programs)) symlinkSync(program, join('/usr/local/sbin', name));
};

const play = async ({ address, places, file, edit, log, tool }: Scene): Promise<void> => {
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
    await deliver(address, log);
    await assert.rejects(run('audit', log.path), (error: Error) => {
      assert.match(error.message, /ended with 1: /);
      assert.match(error.message, /catchall\.test .*1 message to 1 name /, 'what it cost');
      return true;
    });
    assert.match(await run('lock', '--dry-run', '--domains', 'catchall.test'), /would be done: .*catchall\.test/);
    assert.deepEqual(keptOf(file), before, 'a dry run changes nothing');

    const locked = await run('lock', '--domains', 'catchall.test', '--probe', `${address}:25`);
    assert.match(locked, /undo: postern undo A/);
    assert.match(
      locked,
      /SMTP at .*:25 refuses an unknown name at catchall\.test: 550/,
      'it has asked the server itself',
    );
    if (tool !== undefined) assert.match(locked, new RegExp(`${tool} refuses an unknown name at catchall\\.test`));
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
  await installHere({ exim: exim.program });
  const places = ['--valiases', '/etc/exim4/valiases', '--postfix', '/nowhere', '--virtusertable', '/nowhere'];
  await play({
    tool: 'exim -bt',
    address: exim.address,
    places,
    file: '/etc/exim4/valiases/catchall.test',
    edit: 'new@catchall.test: alice@lab.test\n',
    log: { path: exim.mainLog, delivered: /=> .*<guessed@catchall\.test>/ },
  });
});

test('Postfix', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using postfix = await startPostfix();
  await play({
    tool: undefined,
    address: postfix.address,
    places: ['--valiases', '/nowhere', '--virtusertable', '/nowhere'],
    file: '/etc/postfix/virtual',
    edit: 'new@lab.test alice@lab.test\n',
    log: { path: world.log.traditional, delivered: /orig_to=<guessed@catchall\.test>.* status=sent/ },
  });
});

test('Sendmail', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using sendmail = await startSendmail();
  await installHere({ makemap: join(dirname(sendmail.program), 'makemap') });
  // Postfix has the name here.
  await runCommand('mount', ['--bind', sendmail.program, '/usr/sbin/sendmail']);
  try {
    await play({
      tool: 'sendmail -bv',
      address: sendmail.address,
      places: ['--valiases', '/nowhere', '--postfix', '/nowhere'],
      file: '/etc/mail/virtusertable',
      edit: 'new@lab.test\tlaba\n',
      log: { path: world.log.traditional, delivered: /to=.*stat=Sent/ },
    });
  } finally {
    await runCommand('umount', ['/usr/sbin/sendmail']);
  }
});

test('what Postern does not write is asked, and told with the way out', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using postfix = await startPostfix({
    mainCf: { virtual_alias_maps: 'regexp:/etc/postfix/patterns', luser_relay: 'alice@lab.test' },
  });
  assert.ok(postfix);
  writeFileSync('/etc/postfix/patterns', '/@catchall\\.test$/ alice@lab.test\n');
  mkdirSync('/etc/mail', { recursive: true });
  writeFileSync('/etc/mail/virtusertable', '');
  writeFileSync('/etc/mail/sendmail.cf', 'DSsmarthost.test\nDLalice\n');
  mkdirSync('/etc/virtual/panel.test', { recursive: true });
  writeFileSync('/etc/virtual/panel.test/aliases', '*: :blackhole:\n');
  const state = mkdtempSync(join(tmpdir(), 'postern-catchall-'));
  try {
    const audited = runCommand(process.execPath, [
      postern,
      'catchall',
      'audit',
      '--json',
      '--state',
      state,
      '--valiases',
      '/nowhere',
    ]);
    await assert.rejects(audited, ({ message }: Error) => {
      const found: unknown = JSON.parse(message.slice(message.indexOf('{')));
      assert.ok(typeof found === 'object' && found !== null && 'catchAlls' in found && Array.isArray(found.catchAlls));
      const rows = found.catchAlls.map(
        ({ domain, fate, decidedBy }) => `${domain} ${fate} ${String(decidedBy).replace(/main\.cf:[0-9]+/, 'main.cf')}`,
      );
      assert.deepEqual(rows.toSorted(), [
        ' forwarded /etc/mail/sendmail.cf:2',
        ' mailbox /etc/postfix/main.cf',
        'catchall.test mailbox virtual_alias_maps: regexp:/etc/postfix/patterns',
        'panel.test discarded /etc/virtual/panel.test/aliases:1',
      ]);
      return true;
    });
  } finally {
    rmSync(state, { recursive: true });
    rmSync('/etc/virtual', { recursive: true });
    rmSync('/etc/mail', { recursive: true });
  }
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
