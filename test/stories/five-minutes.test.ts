/** The README's five-minute path, for each server: start the guard, set the server up, prove that it asks, take it back. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import { defaults } from '../../src/guard/settings.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { dialImap } from '../servers/lab/dialogue.ts';
import { labClosed } from '../servers/lab/door.ts';
import { layDebianExim, startExim } from '../servers/lab/exim.ts';
import { startPostfix } from '../servers/lab/postfix.ts';
import { startSendmail } from '../servers/lab/sendmail.ts';
import { startWorld } from '../servers/lab/world.ts';

const postern = join(import.meta.dirname, '../../src/cli/main.ts');

type Kept = { readonly bytes: string; readonly mode: number; readonly modified: bigint };
const keptOf = (path: string): Kept => {
  const { mode, mtimeNs } = statSync(path, { bigint: true });
  return { bytes: readFileSync(path, 'latin1'), mode: Number(mode), modified: mtimeNs };
};

type Path = {
  readonly server: string;
  readonly file: string;
  /** It runs all the time: it is reloaded, not restarted. */
  readonly address: string;
  /** What it writes down. */
  readonly log: string;
  readonly recipient: string;
  readonly provenStages: readonly string[];
  readonly login?: { readonly account: string; readonly password: string; readonly provenStages: readonly string[] };
};

const readsocketStages = [
  'connect',
  'HELO',
  'MAIL',
  'RCPT',
  'DATA',
  'END-OF-MESSAGE',
  'QUIT',
  'AUTH',
  'logged',
  'open',
].map((stage) => `readsocket-${stage}`);
const milterStages = [
  'milter-connect',
  'milter-HELO',
  'milter-MAIL',
  'milter-RCPT',
  'milter-DATA',
  'milter-END-OF-MESSAGE',
  'milter-QUIT',
  'milter-logged',
  'milter-open',
];

type Told = ReadonlyMap<string, { readonly state: string; readonly words: string }>;
/** What `postern check` says of one place, by id; its exit status is that of what it says. */
const check = async (
  run: (...args: readonly string[]) => Promise<string>,
  ...args: readonly string[]
): Promise<Told> => {
  const printed = await run('check', ...args, '--json').catch((error: Error) => error.message);
  const json: { checked: { findings: { id: string; state: string; words: string }[] }[] } = JSON.parse(
    printed.slice(printed.indexOf('{'), printed.lastIndexOf('}') + 1),
  );
  const told = new Map((json.checked[0]?.findings ?? []).map(({ id, ...rest }) => [id, rest]));
  const isGreen = [...told.values()].every(({ state }) => state === 'proven');
  assert.equal(printed.includes('ended with 5: '), !isGreen, printed);
  return told;
};

const checkSubmission = async (
  run: (...args: readonly string[]) => Promise<string>,
  { address, recipient, login }: Path,
): Promise<Told> => {
  const password = '/run/postern-password';
  writeFileSync(password, `${login?.password ?? ''}\n`);
  // From elsewhere: the server counts the connections of a client.
  const from = ['--from', '203.0.113.10', '--recipient', recipient];
  return check(run, `${address}:587`, ...from, '--account', login?.account ?? '', '--password-file', password);
};

const walk = async (path: Path): Promise<void> => {
  const { server, file, address, log, recipient, provenStages, login } = path;
  const state = mkdtempSync('/run/postern-setup-');
  const config = join(state, 'postern.yaml');
  writeFileSync(config, `state: ${state}\nlogs: [${log}]\n`);
  const run = (...args: readonly string[]): Promise<string> =>
    runCommand(process.execPath, [postern, ...args, '--config', config]);
  const guard = await startGuard(new Map([...defaults, ['state', state], ['logs', [log]]]), () => undefined);
  try {
    const before = keptOf(file);
    assert.match(await run('setup', server), /would be done: /);
    assert.deepEqual(keptOf(file), before, 'shown, not done');
    assert.match(await run('setup', server, '--apply'), /undo: postern undo A/);
    {
      const findings = await check(run, `${address}:25`, '--from', '203.0.113.9', '--recipient', recipient);
      assert.ok(findings.size > 10, 'it was checked');
      for (const id of provenStages)
        assert.equal(findings.get(id)?.state, 'proven', `${id}: ${findings.get(id)?.words}`);
    }
    if (login !== undefined) {
      const findings = await checkSubmission(run, path);
      for (const id of login.provenStages)
        assert.equal(findings.get(id)?.state, 'proven', `${id}: ${findings.get(id)?.words}`);
    }
    await run('setup', server, '--undo');
    assert.deepEqual(keptOf(file), before, 'to the byte');
    {
      const blind = run('check', `${address}:25`, '--from', '203.0.113.9');
      await assert.rejects(blind, /ended with 5: [^]*set it up/);
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
  await walk({
    server: 'exim',
    file: '/etc/exim4/exim4.conf',
    address: exim.address,
    log: '/var/log/exim4/mainlog',
    recipient: 'alice@lab.test',
    provenStages: [...readsocketStages, 'open-relay', 'unknown-recipients'],
  });
});

test('Sendmail', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using sendmail = await startSendmail();
  await walk({
    server: 'sendmail',
    file: '/etc/mail/sendmail.cf',
    address: sendmail.address,
    log: world.log.iso,
    recipient: 'laba@mx.lab.test',
    provenStages: [...milterStages, 'open-relay', 'unknown-recipients'],
    // It asks nobody before a password; who has logged in it tells at MAIL.
    login: { account: 'alice', password: 'alicepw', provenStages: [...milterStages, 'milter-AUTH'] },
  });
});

test('Postfix', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using postfix = await startPostfix();
  await walk({
    server: 'postfix',
    file: '/etc/postfix/main.cf',
    address: postfix.address,
    log: world.log.iso,
    recipient: 'alice@lab.test',
    provenStages: [
      'policy-connect',
      'policy-HELO',
      'policy-MAIL',
      'policy-RCPT',
      'policy-DATA',
      'policy-END-OF-MESSAGE',
      'policy-ETRN',
      'policy-logged',
      'policy-open',
      'open-relay',
      'unknown-recipients',
    ],
  });
});

test('Dovecot', { skip: labClosed }, async () => {
  await using world = await startWorld();
  const state = mkdtempSync('/run/postern-setup-');
  const config = join(state, 'postern.yaml');
  writeFileSync(config, `state: ${state}\nlogs: [${world.log.iso}]\n`);
  const run = (...args: readonly string[]): Promise<string> =>
    runCommand(process.execPath, [postern, ...args, '--config', config]);
  const guard = await startGuard(new Map([...defaults, ['state', state], ['logs', [world.log.iso]]]), () => undefined);
  const login = async (account: string): Promise<string> => {
    const imap = await dialImap({ from: '203.0.113.9', to: world.dovecot.address, port: 143 });
    const { status, text } = await imap.say(`LOGIN ${account} alicepw`);
    imap.hangUp();
    return `${status} ${text}`;
  };
  try {
    const before = keptOf('/etc/dovecot/dovecot.conf');
    await run('setup', 'dovecot', '--apply');
    for (const port of ['143', '110']) {
      const findings = await check(run, `${world.dovecot.address}:${port}`, '--from', '203.0.113.9');
      for (const id of ['authPolicy-AUTH', 'authPolicy-logged', 'authPolicy-open'])
        assert.equal(findings.get(id)?.state, 'proven', `${port} ${id}: ${findings.get(id)?.words}`);
    }
    await using postfix = await startPostfix();
    await run('setup', 'postfix', '--milter', '--apply');
    const password = join(state, 'password');
    writeFileSync(password, 'alicepw\n');
    const submission = await check(
      run,
      `${postfix.address}:587`,
      '--from',
      '203.0.113.9',
      '--recipient',
      'alice@lab.test',
      '--account',
      'alice@lab.test',
      '--password-file',
      password,
    );
    for (const id of [...milterStages, 'authPolicy-AUTH', 'authPolicy-logged', 'authPolicy-open'])
      assert.equal(submission.get(id)?.state, 'proven', `${id}: ${submission.get(id)?.words}`);
    await run('setup', 'postfix', '--undo');
    assert.match(await login('alice@lab.test'), /^OK/);
    await run('setup', 'dovecot', '--undo');
    assert.deepEqual(keptOf('/etc/dovecot/dovecot.conf'), before);
    assert.match(await login('alice@lab.test'), /^OK/);
  } finally {
    await guard.stop();
    rmSync(state, { recursive: true });
  }
});

test('an exempt address is no red and no open relay', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  await using postfix = await startPostfix();
  const state = mkdtempSync('/run/postern-setup-');
  const config = join(state, 'postern.yaml');
  writeFileSync(config, `state: ${state}\nlogs: []\n`);
  const run = (...args: readonly string[]): Promise<string> =>
    runCommand(process.execPath, [postern, ...args, '--config', config]);
  const guard = await startGuard(new Map([...defaults, ['state', state], ['logs', []]]), () => undefined);
  try {
    const before = keptOf('/etc/postfix/main.cf');
    await run('setup', 'postfix', '--apply');
    const findings = await check(run, `${postfix.address}:25`, '--from', '127.0.0.5', '--recipient', 'alice@lab.test');
    for (const id of ['asked', 'open-relay']) {
      assert.equal(findings.get(id)?.state, 'not-proven', findings.get(id)?.words);
      assert.match(findings.get(id)?.words ?? '', /--from/);
    }
    await run('setup', 'postfix', '--milter', '--apply');
    await run('setup', 'postfix', '--undo');
    assert.deepEqual(keptOf('/etc/postfix/main.cf'), before, 'both are taken back');
  } finally {
    await guard.stop();
    rmSync(state, { recursive: true });
  }
});

test(
  "Debian's split Exim: conf.d gets files of ours, update-exim4.conf builds it, and it is undone",
  { skip: labClosed },
  async () => {
    await using world = await startWorld();
    assert.ok(world);
    await layDebianExim();
    const state = mkdtempSync('/run/postern-setup-');
    const config = join(state, 'postern.yaml');
    writeFileSync(config, `state: ${state}\nlogs: []\n`);
    const run = (...args: readonly string[]): Promise<string> =>
      runCommand(process.execPath, [postern, ...args, '--config', config]);
    const built = '/var/lib/exim4/config.autogenerated';
    const rcpt = '/etc/exim4/conf.d/acl/30_exim4-config_check_rcpt';
    const before = keptOf(rcpt);
    try {
      for (const isSplit of [true, false]) {
        writeFileSync(
          '/etc/exim4/update-exim4.conf.conf',
          `dc_eximconfig_configtype='local'\ndc_use_split_config='${isSplit}'\n`,
        );
        assert.match(await run('setup', 'exim', '--apply'), /undo: postern undo A/);
        const text = readFileSync(built, 'latin1');
        assert.match(text, /^acl_check_rcpt:\n\s*require acl = postern_rcpt$/m);
        assert.match(text, /^acl_smtp_connect = postern_connect$/m);
        assert.equal(existsSync('/etc/exim4/conf.d/acl/01_postern'), isSplit);
        assert.match(await run('setup', 'exim'), /set up already/);
        writeFileSync(config, `state: ${state}\nlogs: []\nreadsocket: { listen: 127.0.0.1:10099 }\n`);
        assert.match(await run('setup', 'exim', '--apply'), /undo: postern undo A/);
        assert.match(readFileSync('/etc/exim4/postern.acl', 'latin1'), /^POSTERN_SOCKET = inet:127\.0\.0\.1:10099$/m);
        writeFileSync(config, `state: ${state}\nlogs: []\n`);
        await run('setup', 'exim', '--undo');
        assert.ok(!readFileSync(built, 'latin1').includes('postern'));
        assert.ok(!existsSync('/etc/exim4/conf.d/acl/01_postern'));
        assert.deepEqual(keptOf(rcpt), before);
      }
    } finally {
      rmSync(state, { recursive: true });
    }
  },
);
