/** Whatever answers there: in time, and nothing is taken for a full mailbox that is none. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Fault } from '../../model/fault.ts';
import { askQuotaStatus } from './quota-status.ts';

const listen = async (t: TestContext, serve: (socket: Socket) => void): Promise<{ host: string; port: number }> => {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { host: '127.0.0.1', port: address.port };
};

const ask = async (
  at: { host: string; port: number },
  recipients: readonly string[],
  signal = new AbortController().signal,
): Promise<Map<string, number>> => {
  const found = new Map<string, number>();
  await askQuotaStatus(at, recipients, (recipient, overFromBytes) => found.set(recipient, overFromBytes), signal);
  return found;
};

test('answers cut into single bytes', async (t) => {
  let asked = 0;
  const at = await listen(t, (socket) => {
    socket.on('data', (bytes) => {
      asked++;
      const request = bytes.toString('latin1');
      const size = Number(/\nsize=(\d+)\n/.exec(request)?.[1]);
      const room = request.includes('recipient=full@') ? 0 : 2_000_000;
      const answer = request.includes('recipient=any@') || size <= room ? 'DUNNO' : '552 5.2.2 Mailbox is full';
      for (const byte of `action=${answer}\n\n`) socket.write(byte);
    });
  });
  assert.deepEqual(
    await ask(at, ['any@b.test', 'full@b.test', 'some@b.test', 'a\n@b.test']),
    new Map([
      ['any@b.test', Infinity],
      ['full@b.test', 0],
      ['some@b.test', 5_000_000],
    ]),
  );
  assert.ok(asked > 3 && asked <= 9);
});

test('who closes, floods or says something else is a fault with its place in it', async (t) => {
  const servers: readonly ((socket: Socket) => void)[] = [
    (socket) => socket.destroy(),
    (socket) => socket.end('action=DUN'),
    (socket) => socket.write('x'.repeat(100_000)),
  ];
  for (const serve of servers) {
    const at = await listen(t, serve);
    await assert.rejects(ask(at, ['a@b.test']), (error) => {
      assert.ok(error instanceof Fault && error.code === 'INPUT_UNREADABLE');
      return error.message.includes(`127.0.0.1:${at.port}`);
    });
  }
});

test('a guard that leaves waits for no answer', async (t) => {
  const leaving = new AbortController();
  const at = await listen(t, () => leaving.abort());
  await assert.rejects(ask(at, ['a@b.test'], leaving.signal), Fault);
});
