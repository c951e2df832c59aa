/** A guard that is killed goes on where it was: nothing in the log is lost or told twice, and who was hostile stays so. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { encodeRequest } from '../protocols/readsocket/request.ts';
import { hookNames } from './settings.ts';

const main = join(import.meta.dirname, '../cli/main.ts');
const client = '203.0.113.7';

const stamp = (): string => new Date().toISOString();
const guess = (name: string): string =>
  `${stamp()} mx postfix/smtpd[77]: NOQUEUE: reject: RCPT from unknown[${client}]: 550 5.1.1 <${name}@lab.test>: Recipient address rejected: User unknown in local recipient table; from=<s@remote.test> to=<${name}@lab.test> proto=ESMTP helo=<client.test>\n`;

/** Resolves when the file is there. */
const until = async (path: string): Promise<void> => {
  const watcher = watch(dirname(path));
  while (!existsSync(path)) await once(watcher, 'change');
  watcher.close();
};

type Running = { readonly child: ChildProcess; readonly news: AsyncIterator<string>; readonly policy: string };

const startGuard = async (folder: string, name: string): Promise<Running> => {
  const config = join(folder, 'postern.yaml');
  const policy = join(folder, `${name}.sock`);
  const off = hookNames.filter((hook: string) => hook !== 'policy').map((hook: string) => `${hook}: { listen: off }\n`);
  writeFileSync(
    config,
    `state: ${folder}/var\nlogs: [${folder}/mail.log]\njudge: { learning: 0 }\npolicy: { listen: "unix:${policy}" }\n${off.join('')}`,
  );
  const child = spawn(process.execPath, [main, 'run', '--json', '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const news = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { value } = await news.next();
  assert.equal(JSON.parse(String(value)).ready.hooks[0][0], 'policy');
  return { child, news, policy };
};

const kill = async ({ child }: Running): Promise<void> => {
  child.kill('SIGKILL');
  await once(child, 'exit');
};

/** What Postfix would be told about a recipient that this client asks for. */
const askPolicy = async (path: string): Promise<string> => {
  const socket = createConnection({ path });
  socket.write(
    `request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=${client}\nrecipient=alice@lab.test\n\n`,
  );
  const [bytes] = await once(socket, 'data');
  socket.destroy();
  return String(bytes);
};

const opened = async ({ news }: Running): Promise<{ actors: { value: string }[]; eventsBeforeRecognition: number }> => {
  for (;;) {
    const { value, done } = await news.next();
    assert.notEqual(done, true, 'the guard says what it finds');
    const item = JSON.parse(String(value));
    if (item.change === 'opened') return item.incident;
  }
};

test('killed with -9: what was read before is not lost, and who is hostile stays so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-killed-'));
  mkdirSync(join(folder, 'var'));
  const log = join(folder, 'mail.log');
  const running: Running[] = [];
  writeFileSync(log, ['a', 'b', 'c'].map(guess).join(''));
  try {
    const first = await startGuard(folder, 'first');
    running.push(first);
    // Before anything was kept: the log is read again from where the last one was sure to be.
    await kill(first);
    assert.ok(!existsSync(join(folder, 'var/guard.snapshot')));

    const second = await startGuard(folder, 'second');
    running.push(second);
    assert.match(await askPolicy(second.policy), /^action=/);
    appendFileSync(log, ['d', 'e'].map(guess).join(''));
    const incident = await opened(second);
    assert.deepEqual([incident.actors[0]?.value, incident.eventsBeforeRecognition], [client, 5]);
    await until(join(folder, 'var/guard.snapshot'));
    await kill(second);

    rmSync(log);
    const third = await startGuard(folder, 'third');
    running.push(third);
    assert.match(await askPolicy(third.policy), /^action=(421|554) /, 'without the log, from what was kept');
    await kill(third);
  } finally {
    for (const { child } of running) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

test('a port that was chosen and is taken stops the guard with a way out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-taken-'));
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const bound = taken.address();
  assert.ok(bound !== null && typeof bound === 'object');
  const config = join(folder, 'postern.yaml');
  const off = hookNames.filter((hook: string) => hook !== 'milter').map((hook: string) => `${hook}: { listen: off }\n`);
  writeFileSync(
    config,
    `state: ${folder}/var\nlogs: []\nmilter: { listen: "127.0.0.1:${bound.port}" }\n${off.join('')}`,
  );
  const child = spawn(process.execPath, [main, 'run', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [complaint, [status]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  taken.close();
  rmSync(folder, { recursive: true });
  assert.equal(status, 2);
  assert.match(complaint, /milter cannot listen on .*choose another address/);
});

test('a default port that is taken costs its hook alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-taken-'));
  // Whoever has the port already, a server of this test or another guard: it is taken.
  const taken = createServer()
    .listen(10_043, '127.0.0.1')
    .on('error', () => undefined);
  const config = join(folder, 'postern.yaml');
  const off = hookNames
    .filter((hook: string) => hook !== 'authPolicy' && hook !== 'policy')
    .map((hook: string) => `${hook}: { listen: off }\n`);
  writeFileSync(
    config,
    `state: ${folder}/var\nlogs: []\npolicy: { listen: "unix:${folder}/policy.sock" }\n${off.join('')}`,
  );
  const child = spawn(process.execPath, [main, 'run', '--json', '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const news = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const lines = [await news.next(), await news.next()].map(({ value }) => JSON.parse(String(value)));
    assert.match(lines.find((line) => 'problem' in line)?.problem ?? '', /authPolicy is off/);
    assert.deepEqual(
      lines.find((line) => 'ready' in line)?.ready.hooks.map(([name]: [string]) => name),
      ['policy'],
    );
  } finally {
    child.kill('SIGKILL');
    taken.close();
    rmSync(folder, { recursive: true });
  }
});

test('a ledger that is damaged while the guard runs is said, and the guard judges on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-ledger-'));
  const log = join(folder, 'mail.log');
  writeFileSync(log, '');
  const guard = await startGuard(folder, 'only');
  try {
    const ledger = new DatabaseSync(join(folder, 'var/ledger.sqlite'));
    ledger.exec('PRAGMA foreign_keys = OFF; DROP TABLE receipts; DROP TABLE incidents');
    ledger.close();
    appendFileSync(log, ['a', 'b', 'c', 'd', 'e', 'f'].map(guess).join(''));
    const wanted = [
      /an incident is not kept: .*no such table/,
      /the ledger .* cannot be used \(no such table: receipts\)/,
      /opened/,
    ];
    while (wanted.length > 0) {
      const { value, done } = await guard.news.next();
      assert.notEqual(done, true, 'the guard runs on');
      const at = wanted.findIndex((one) => one.test(String(value)));
      if (at >= 0) wanted.splice(at, 1);
    }
    assert.match(await askPolicy(guard.policy), /^action=(421|554) /);
  } finally {
    guard.child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

/** A socket's file is there when it is bound, a moment before it listens. */
const connected = async (path: string): Promise<Socket> => {
  for (;;) {
    const socket = createConnection({ path });
    const isOpen = await once(socket, 'connect').then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ECONNREFUSED');
        return false;
      },
    );
    if (isOpen) return socket;
    await pause(20);
  }
};

test('an attack that goes on while the guard starts does not end it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-starting-'));
  const config = join(folder, 'postern.yaml');
  const exim = join(folder, 'exim.sock');
  const off = hookNames.filter((hook) => hook !== 'readsocket').map((hook) => `${hook}: { listen: off }\n`);
  // The first thread answers while the others are being started.
  writeFileSync(
    config,
    `state: ${folder}/var\nlogs: []\nlisteners: { threads: 8 }\nreadsocket: { listen: "unix:${exim}" }\n${off.join('')}`,
  );
  const child = spawn(process.execPath, [main, 'run', '--json', '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const news = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await until(exim);
    for (let guessed = 0; guessed < 12; guessed++) {
      const socket = await connected(exim);
      const [recipient, ip] = [`nobody${guessed}@lab.test`, client];
      socket.write(encodeRequest({ stage: 'rcpt', outcome: 'unknown', ip, sender: 's@remote.test', recipient }));
      assert.match(await text(socket), /^v=/);
    }
    const seen = new Set<string>();
    while (!seen.has('opened') || !seen.has('ready')) {
      const { value, done } = await news.next();
      assert.notEqual(done, true, 'the guard runs on');
      const item = JSON.parse(String(value));
      seen.add('ready' in item ? 'ready' : String(item.change));
    }
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
