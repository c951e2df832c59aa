import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { startReadsocket } from './readsocket.ts';

const base64 = (value: string): string => Buffer.from(value, 'latin1').toString('base64');

/** A hook that was asked about unknown recipients of these clients, one after another. @returns what was waited for, in order */
const waitedFor = async (t: TestContext, logTells: boolean, clients: readonly string[]): Promise<readonly string[]> => {
  const waited: string[] = [];
  let told = 0;
  const hook = await startReadsocket({
    listen: { host: '127.0.0.1', port: 0 },
    ask: () => ({ kind: 'accept', why: [] }),
    tell: () => told++,
    complain: (error) => assert.fail(String(error)),
    logTells: () => logTells,
    evidenceSince: (client) => {
      const mark = `${client ?? ''} since ${told}`;
      return () => Promise.resolve(void waited.push(mark));
    },
  });
  t.after(() => hook.stop());
  assert.ok('port' in hook.endpoint);
  for (const client of clients) {
    const socket: Socket = connect(hook.endpoint.port, '127.0.0.1');
    socket.write(`postern1\tstage=rcpt\tip=${base64(client)}\trecipient=${base64('x@lab.test')}\toutcome=unknown\n`);
    assert.equal((await text(socket)).trim(), 'v=accept');
  }
  assert.equal(told, clients.length);
  return waited;
};

const [one, other] = ['203.0.113.1', '203.0.113.2'];

test('a refused recipient is judged with itself', async (t) => {
  assert.deepEqual(await waitedFor(t, false, [one, other, one]), [
    `${one} since 0`,
    `${other} since 1`,
    `${one} since 2`,
  ]);
});

test('where the log is the witness, with the one before it, which the log tells by now', async (t) => {
  assert.deepEqual(await waitedFor(t, true, [one, other, one, one]), [`${one} since 0`, `${one} since 2`]);
});
