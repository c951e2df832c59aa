/** A thread that is late itself takes no client for slow, nor for silent. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { ClientWire } from './wire.ts';

const patienceMs = 20;

const opened = async (t: TestContext): Promise<{ wire: ClientWire; client: Socket }> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server has a port.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = server.address() as AddressInfo;
  const accepted: Promise<Socket[]> = once(server, 'connection');
  const client = connect(port, '127.0.0.1');
  const [[socket]] = await Promise.all([accepted, once(client, 'connect')]);
  assert.ok(socket !== undefined);
  t.after(() => {
    for (const one of [client, socket]) one.destroy();
    server.close();
  });
  return { wire: new ClientWire(socket, 1000), client };
};

/** Longer than its patience this thread does nothing else, while the bytes have long been there. */
const beLate = (): void => {
  for (const until = performance.now() + 3 * patienceMs; performance.now() < until;);
};

test('a line that came in time is heard', async (t) => {
  const { wire, client } = await opened(t);
  const next = wire.next(patienceMs);
  client.write('NOOP\r\n');
  beLate();
  const item = await next;
  assert.deepEqual(item?.kind === 'line' && item.text, 'NOOP');
  assert.equal(await wire.next(patienceMs), undefined, 'and then nothing');
});

test('who talks in the pause is heard in it', async (t) => {
  const { wire, client } = await opened(t);
  const pause = wire.waitInSilence(patienceMs);
  client.write('EHLO early.test\r\n');
  beLate();
  await pause;
  assert.ok(wire.input.waiting() > 0);
});
