/** The verbs on real files and programs: what they do to the byte, and what they refuse. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Fault } from '../model/fault.ts';
import { programs } from '../model/verb.ts';
import type { CarryOut } from '../model/verb.ts';
import { createAllowance } from './allowance.ts';
import { createCarryOut } from './carry-out.ts';
import { mayHaveArguments } from './programs.ts';

const isRoot = process.getuid?.() === 0;
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const inFolder = async (play: (folder: string, carryOut: CarryOut) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-helper-'));
  try {
    await play(folder, createCarryOut(createAllowance({ roots: [{ path: folder }] })));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const refused = (work: Promise<unknown>, why: RegExp): Promise<void> =>
  assert.rejects(
    work,
    (error) => error instanceof Fault && error.code === 'REFUSED_FOR_SAFETY' && why.test(error.message),
  );

test('a file is read, replaced with its mode, restored with its times, and removed', async () => {
  await inFolder(async (folder, carryOut) => {
    const path = join(folder, 'access');
    writeFileSync(path, 'one\n', { mode: 0o640 });
    utimesSync(path, 1_600_000_000.123, 1_700_000_000.456);
    const before = await carryOut({ verb: 'read-file', path });
    assert.ok(before !== undefined);
    assert.equal(Buffer.from(before.bytes).toString(), 'one\n');
    assert.equal(before.facts.mode, 0o640);

    await carryOut({ verb: 'replace-file', path, expected: before.bytes, content: before.bytes });
    assert.deepEqual((await carryOut({ verb: 'read-file', path }))?.facts, before.facts, 'only asked');
    await carryOut({ verb: 'replace-file', path, expected: before.bytes, content: bytes('two\n') });
    assert.equal(readFileSync(path, 'latin1'), 'two\n');
    assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.notEqual(statSync(path, { bigint: true }).mtimeNs.toString(), before.facts.modifiedNs);

    await carryOut({
      verb: 'replace-file',
      path,
      expected: bytes('two\n'),
      content: before.bytes,
      facts: before.facts,
    });
    assert.deepEqual(await carryOut({ verb: 'read-file', path }), before);

    await carryOut({ verb: 'replace-file', path, expected: before.bytes, content: undefined });
    assert.equal(existsSync(path), false);
    assert.equal(await carryOut({ verb: 'read-file', path }), undefined);
    await carryOut({ verb: 'replace-file', path, expected: undefined, content: bytes('new') });
    assert.equal(statSync(path).mode & 0o777, 0o644);
    assert.deepEqual(readdirSync(folder), ['access']);
  });
});

test('what is not what the plan saw stays as it is', async () => {
  await inFolder(async (folder, carryOut) => {
    const path = join(folder, 'map');
    writeFileSync(path, 'edited\n');
    const changed = /changed meanwhile/;
    await assert.rejects(
      carryOut({ verb: 'replace-file', path, expected: bytes('seen\n'), content: bytes('x') }),
      changed,
    );
    await assert.rejects(carryOut({ verb: 'replace-file', path, expected: undefined, content: bytes('x') }), changed);
    await assert.rejects(
      carryOut({ verb: 'replace-file', path, expected: bytes('seen'), content: undefined }),
      changed,
    );
    await assert.rejects(
      carryOut({ verb: 'replace-file', path: `${path}2`, expected: bytes('seen'), content: bytes('x') }),
      changed,
    );
    assert.equal(readFileSync(path, 'latin1'), 'edited\n');
    assert.deepEqual(readdirSync(folder), ['map']);
  });
});

test('what a killed helper left beside a file is no obstacle', async () => {
  await inFolder(async (folder, carryOut) => {
    const path = join(folder, 'map');
    writeFileSync(join(folder, '.map.postern'), 'half');
    await carryOut({ verb: 'replace-file', path, expected: undefined, content: bytes('whole') });
    assert.deepEqual(readdirSync(folder), ['map']);
    // Killed after it gave the new file its name, before it took the other one away.
    linkSync(path, join(folder, '.map.postern'));
    await carryOut({ verb: 'replace-file', path, expected: bytes('whole'), content: undefined });
    assert.deepEqual(readdirSync(folder), []);
  });
});

test('what is written into a file while it is replaced is not lost', async () => {
  await inFolder(async (folder, carryOut) => {
    const path = join(folder, 'map');
    writeFileSync(path, 'seen\n');
    const before = await carryOut({ verb: 'read-file', path });
    assert.ok(before !== undefined);
    // Times that futimes(3) of Node cannot set: another program does, and that takes its time.
    const facts = { ...before.facts, modifiedNs: '1700000000123456789' };
    const replacing = carryOut({ verb: 'replace-file', path, expected: before.bytes, content: bytes('next\n'), facts });
    appendFileSync(path, 'somebody else\n');
    await assert.rejects(replacing, /changed meanwhile/);
    assert.equal(readFileSync(path, 'latin1'), 'seen\nsomebody else\n');
    assert.deepEqual(readdirSync(folder), ['map']);
  });
});

test('no file is made that runs as its owner, nor given to anybody', async () => {
  await inFolder(async (folder, carryOut) => {
    const path = join(folder, 'map');
    const times = { modifiedNs: '1700000000000000000', accessedNs: '1700000000000000000' };
    const facts = { mode: 0o644, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, ...times };
    const make = (wanted: typeof facts): Promise<unknown> =>
      carryOut({ verb: 'replace-file', path, expected: undefined, content: bytes('#!/bin/sh\n'), facts: wanted });
    for (const mode of [0o4755, 0o2755, 0o6755]) await refused(make({ ...facts, mode }), /runs as its owner/);
    await refused(make({ ...facts, uid: 65_533 }), /belongs to user 65533/);
    assert.deepEqual(readdirSync(folder), []);
    await make(facts);
    chmodSync(path, 0o4755);
    const onTop = { verb: 'replace-file', path, expected: bytes('#!/bin/sh\n'), content: bytes('x') } as const;
    await refused(carryOut(onTop), /runs as its owner/);
  });
});

test('links, other places and open folders are refused', async () => {
  await inFolder(async (folder, carryOut) => {
    const read = (path: string): Promise<unknown> => carryOut({ verb: 'read-file', path });
    const replace = (path: string, expected?: Uint8Array): Promise<unknown> =>
      carryOut({ verb: 'replace-file', path, expected, content: bytes('x') });
    writeFileSync(join(folder, 'real'), 'real');
    symlinkSync('/etc/passwd', join(folder, 'link'));
    await refused(read(join(folder, 'link')), /symbolic link/);
    await refused(replace(join(folder, 'link'), bytes('')), /symbolic link/);
    linkSync(join(folder, 'real'), join(folder, 'second'));
    await refused(replace(join(folder, 'real'), bytes('real')), /hard links/);
    for (const path of [
      '/etc/shadow',
      'relative',
      `${folder}/../x`,
      `${folder}//real`,
      `${folder}/a\nb`,
      `${folder}x/real`,
      '/etc/postfix2/x',
    ])
      await refused(read(path), /./);
    mkdirSync(join(folder, 'open'));
    chmodSync(join(folder, 'open'), 0o777);
    await refused(replace(join(folder, 'open/file')), /everybody may write/);
    mkdirSync(join(folder, 'deep'));
    renameSync(join(folder, 'deep'), join(folder, 'elsewhere'));
    symlinkSync('elsewhere', join(folder, 'deep'));
    await refused(replace(join(folder, 'deep/file')), /symbolic link/);
    mkdirSync(join(folder, 'directory'));
    await refused(read(join(folder, 'directory')), /not a plain file/);
    assert.equal(await read(join(folder, 'nowhere/file')), undefined);
    await assert.rejects(replace(join(folder, 'nowhere/file')), /no such folder/);
  });
});

test(
  "somebody else's file and folder are refused",
  { skip: isRoot ? false : 'needs root to give a file away' },
  async () => {
    await inFolder(async (folder, carryOut) => {
      const path = join(folder, 'map');
      writeFileSync(path, 'x');
      chownSync(path, 65_534, 65_534);
      const replace = { verb: 'replace-file', path, expected: bytes('x'), content: bytes('y') } as const;
      await refused(carryOut(replace), /belongs to user 65534/);
      await refused(carryOut({ ...replace, content: bytes('x') }), /belongs to user 65534/);
      const panel = createCarryOut(createAllowance({ roots: [{ path: folder, anyOwner: true }] }));
      await panel(replace);
      assert.equal(statSync(path).uid, 65_534);
      chownSync(folder, 65_534, 65_534);
      await refused(panel({ ...replace, expected: bytes('y') }), /belongs to user 65534/);
    });
  },
);

test('a program is run without a shell; a missing one, a slow one and a strange argument are said', async () => {
  await inFolder(async (folder) => {
    const script = join(folder, 'postqueue');
    writeFileSync(script, '#!/bin/sh\necho "$#:$1:$HOME"; cat; echo oops >&2; exit 3\n', { mode: 0o755 });
    const places = new Map([
      ['postqueue', [script]],
      ['newaliases', ['/bin/sleep']],
    ] as const);
    const carryOut = createCarryOut(createAllowance({ places }));
    const ran = await carryOut({ verb: 'run', program: 'postqueue', args: ['-p'], input: 'in\xe4\n' });
    assert.deepEqual(ran, { status: 3, stdout: '1:-p:\nin\xe4\n', stderr: 'oops\n' });
    await refused(carryOut({ verb: 'run', program: 'postqueue', args: ['-p', ';reboot'] }), /does not run/);
    const nowhere = createAllowance();
    const missing = createCarryOut({ ...nowhere, places: new Map([['nft', ['/nonexistent/nft']]]) });
    await assert.rejects(missing({ verb: 'run', program: 'nft', args: ['--version'] }), /install the package nftables/);
    writeFileSync(script, '#!/bin/sh\nsleep 60 & wait\n', { mode: 0o755 });
    await assert.rejects(
      carryOut({ verb: 'run', program: 'postqueue', args: ['-p'], timeoutMs: 50 }),
      /no end after 50 ms/,
    );
  });
});

test('the command for accounts: told by root alone, never a shell, no account that is an option', async () => {
  await inFolder(async (folder, carryOut) => {
    const status = { verb: 'account-command', does: 'status', account: 'a@b.test' } as const;
    assert.equal(await carryOut(status), undefined, 'none is configured');
    const program = join(folder, 'account');
    writeFileSync(program, '#!/bin/sh\nprintf "%s|" "$@"\n', { mode: 0o755 });
    const told = createCarryOut(createAllowance({ accountCommand: [program, 'a b; $(id)'] }));
    assert.equal((await told(status))?.stdout, 'a b; $(id)|status|a@b.test|');
    for (const account of ['-x', '--help', 'a b', 'a;b', '', '../a', 'a\nb', '$(id)'])
      await refused(told({ ...status, account }), /no such account/);
    chmodSync(program, 0o775);
    await refused(told(status), /nobody else may write/);
    renameSync(program, `${program}.real`);
    symlinkSync(`${program}.real`, program);
    await assert.rejects(told(status), /no plain file/);
  });
});

test('arguments that fit a form, and that do not', () => {
  const allowance = createAllowance();
  for (const [program, args, may] of [
    ['postsuper', ['-d', '4jWX8j6TYzzKCl9'], true],
    ['postsuper', ['-d', 'ALL'], false],
    ['postsuper', ['-h', '-'], true],
    ['postsuper', [], false],
    ['postmap', ['hash:/etc/postfix/access'], true],
    ['postmap', ['hash:/etc/shadow'], false],
    ['postmap', ['hash:/etc/postfix/../shadow'], false],
    ['postmap', ['-q', '-x', 'hash:/etc/postfix/access'], false],
    ['exim', ['-Mrm', '1tDxyz-000001-Ab'], true],
    ['exim', ['-be', '${run{/bin/sh}}'], false],
    ['exim', ['-C', '/tmp/x'], false],
    ['sendmail', ['-q'], true],
    ['sendmail', ['-q1m'], false],
    ['sendmail', ['-C/tmp/x', '-bp'], false],
    ['usermod', ['-L', 'anna'], true],
    ['usermod', ['-L', 'root'], false],
    ['usermod', ['-U', 'rooted'], true],
    ['usermod', ['-L', '-p', 'x', 'root'], false],
    ['usermod', ['-aG', 'sudo', 'x'], false],
    ['doveadm', ['kick', 'anna@example.org'], true],
    ['doveadm', ['kick', '*'], false],
    ['doveadm', ['user', '*'], true],
    ['doveadm', ['-f', 'tab', 'quota', 'get', '-A'], true],
    ['doveadm', ['-f', 'tab', 'fetch', '-A', 'text', 'all'], false],
    ['nft', ['flush', 'ruleset'], false],
    ['nft', ['-f', '/etc/postfix/x'], false],
    ['postconf', ['-c', '/etc/postfix', '-h', 'queue_directory'], true],
    ['postconf', ['-e', 'x=y'], false],
  ] as const)
    assert.equal(mayHaveArguments(program, args, allowance), may, `${program} ${args.join(' ')}`);
});

test('no argument that begins with a dash passes where a word is asked, whatever it is', () => {
  const allowance = createAllowance();
  const argument = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('-', '--', '-c', '-f', '/etc/postfix'),
  );
  let tried = 0;
  fc.assert(
    fc.property(fc.constantFrom(...programs), fc.array(argument, { maxLength: 6 }), (program, args) => {
      tried++;
      if (!mayHaveArguments(program, args, allowance)) return;
      // What passes holds nothing that ends a line or an argument.
      assert.ok(
        args.every((each) => !/[\0\n\r]/.test(each)),
        args.join('|'),
      );
    }),
    { numRuns: 2000 },
  );
  assert.ok(tried > 0);
});
