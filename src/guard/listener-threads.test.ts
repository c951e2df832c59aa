/** A listener thread that ends by itself: it is said, servers are answered again soon, and the guard can still be stopped. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { startGuard } from './run.ts';
import { defaults, hookNames } from './settings.ts';

const askPolicy = async (path: string): Promise<string> => {
  const socket = createConnection({ path });
  socket.write(
    'request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=203.0.113.7\nrecipient=a@lab.test\n\n',
  );
  const [bytes] = await once(socket, 'data');
  socket.destroy();
  return String(bytes);
};

const nextWorker = async (): Promise<Worker> => {
  // Whoever starts a thread tells it to the process.
  const [worker]: Worker[] = await once(process, 'worker');
  assert.ok(worker);
  return worker;
};

test('a listener thread that ended is started again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-thread-'));
  const policy = join(folder, 'policy.sock');
  const values = new Map([
    ...defaults,
    ...hookNames.map((name) => [`${name}.listen`, 'off'] as const),
    ['policy.listen', `unix:${policy}`],
    ['state', join(folder, 'var')],
    ['logs', []],
    ['check.every', '0'],
    ['quota.sources', []],
  ]);
  const problems: string[] = [];
  const [first, guard] = await Promise.all([
    nextWorker(),
    startGuard(values, (news) => {
      if (news.kind === 'problem') problems.push(news.text);
    }),
  ]);
  try {
    assert.match(await askPolicy(policy), /^action=DUNNO/);
    const event = { time: Date.now(), server: 'exim', kind: 'recipient', outcome: 'unknown', client: '203.0.113.7' };
    first.emit('message', { told: [{ ...event, recipient: 5 }] });
    assert.match(problems.splice(0).join('\n'), /what a hook told could not be judged/);
    const again = nextWorker();
    await first.terminate();
    await guard.caughtUp();
    const second = await again;
    await once(second, 'message');
    assert.match(await askPolicy(policy), /^action=DUNNO/);
    assert.match(problems.join('\n'), /a listener thread ended, it is started again/);
    await second.terminate();
  } finally {
    await guard.stop();
    rmSync(folder, { recursive: true });
  }
});
