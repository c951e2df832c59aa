/** Whoever may connect, any user of the machine, keeps no mail server from being answered: at each hook, over real sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { encodeRequest as encodePolicy } from '../../protocols/postfix-policy/request.ts';
import { encodeRequest as encodeExim } from '../../protocols/readsocket/request.ts';
import { startAuthPolicy } from './auth-policy.ts';
import type { ConnectionLimits } from './connections.ts';
import type { Hook, HookSettings } from './hook.ts';
import { startMilter } from './milter.ts';
import { startPolicy } from './policy.ts';
import { startReadsocket } from './readsocket.ts';

type Start = (settings: HookSettings & { readonly limits: ConnectionLimits }) => Promise<Hook>;

const closed = async (socket: Socket): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('error', () => undefined).once('close', () => resolve());
  await promise;
};

const login = JSON.stringify({ login: 'alice', remote: '203.0.113.7' });
const hooks: readonly (readonly [name: string, start: Start, request: string, begins: string])[] = [
  ['policy', startPolicy, encodePolicy({ protocol_state: 'RCPT', recipient: 'a@lab.test' }), 'action=DUNNO'],
  // Version 6, nothing offered (libmilter's SMFIC_OPTNEG).
  ['milter', startMilter, '\0\0\0\x0dO\0\0\0\x06\0\0\0\0\0\0\0\0', '\0\0\0\x0dO'],
  ['readsocket', startReadsocket, encodeExim({ stage: 'connect', ip: '203.0.113.7' }), 'v=accept'],
  [
    'authPolicy',
    startAuthPolicy,
    `POST /?command=allow HTTP/1.1\r\nHost: h\r\nContent-Length: ${login.length}\r\n\r\n${login}`,
    'HTTP/1.1 200 ',
  ],
];

for (const [name, start, request, begins] of hooks)
  test(`${name}: when every place is taken by who sits there, a server is answered all the same`, async (t) => {
    const hook = await start({
      listen: { host: '127.0.0.1', port: 0 },
      ask: () => ({ kind: 'accept', why: [] }),
      tell: () => undefined,
      complain: (error) => assert.fail(String(error)),
      limits: { connectionsMax: 2, idleMsMax: 60_000 },
    });
    t.after(hook.stop);
    const { endpoint } = hook;
    assert.ok('port' in endpoint);
    const dial = async (): Promise<Socket> => {
      const socket = connect(endpoint);
      t.after(() => socket.destroy());
      await once(socket, 'connect');
      return socket;
    };
    const sitters = [await dial(), await dial()];
    const gone = Promise.race(sitters.map(closed));
    for (const sitter of sitters) sitter.write(request.slice(0, 1), 'latin1');
    const server = await dial();
    server.write(request, 'latin1');
    const [bytes]: Buffer[] = await once(server, 'data');
    assert.equal(bytes?.toString('latin1', 0, begins.length), begins);
    await gone;
  });

test('Exim asks one thing of a connection: who drips is sent away in its time', async (t) => {
  const hook = await startReadsocket({
    listen: { host: '127.0.0.1', port: 0 },
    ask: () => ({ kind: 'accept', why: [] }),
    tell: () => undefined,
    complain: (error) => assert.fail(String(error)),
    limits: { connectionsMax: 2, idleMsMax: 400 },
  });
  t.after(hook.stop);
  assert.ok('port' in hook.endpoint);
  const socket = connect(hook.endpoint);
  const dripping = setInterval(() => socket.write('p'), 20);
  await closed(socket);
  clearInterval(dripping);
  assert.equal(hook.counts().idle, 1);
});
