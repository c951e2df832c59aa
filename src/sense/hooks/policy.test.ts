/** The service over real sockets: good clients beside every kind of bad one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../../model/fault.ts';
import type { Ask } from '../../model/ports.ts';
import type { Question } from '../../model/question.ts';
import type { Verdict } from '../../model/verdict.ts';
import { requestBytesMax } from '../../protocols/postfix-policy/decoder.ts';
import { encodeRequest } from '../../protocols/postfix-policy/request.ts';
import type { PolicyRequest } from '../../protocols/postfix-policy/request.ts';
import type { Endpoint } from './listen.ts';
import { defaultLimits } from './connections.ts';
import { startPolicy } from './policy.ts';
import type { PolicySettings } from './policy.ts';
import { sleepersMax } from './sleepers.ts';

const anyPort = { host: '127.0.0.1', port: 0 };
const dunno = 'action=DUNNO';
const later: Verdict = { kind: 'defer', reply: { code: '450', enhanced: '4.7.1', text: 'Later' }, why: [] };
const delay: Verdict = { kind: 'delay', delayMs: 2000, why: [] };
/** Refuses the recipient `bad@lab.test`. */
const judge: Ask = ({ recipient }) => (recipient === 'bad@lab.test' ? later : { kind: 'accept', why: [] });
const verdict =
  (one: Verdict): Ask =>
  () =>
    one;

const rcpt = (recipient: string, more: Partial<PolicyRequest> = {}): string =>
  encodeRequest({ protocol_state: 'RCPT', client_address: '203.0.113.7', instance: 'a1', recipient, ...more });

const start = async (t: { after: (end: () => unknown) => void }, settings: Partial<PolicySettings>) => {
  const complaints: unknown[] = [];
  const complain = (error: unknown): unknown => complaints.push(error);
  const service = await startPolicy({ listen: anyPort, ask: judge, complain, ...settings });
  t.after(service.stop);
  return { ...service, complaints };
};

/** A client that counts the answers it got; `answers` waits for so many more. */
const dial = async (endpoint: Endpoint) => {
  const socket = connect('path' in endpoint ? { path: endpoint.path } : endpoint);
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (part: string) => (text += part));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  const answers = async (count: number): Promise<string[]> => {
    while (text.split('\n\n').length <= count) {
      assert.ok(!socket.destroyed, `closed after ${JSON.stringify(text)}`);
      await Promise.race([once(socket, 'data'), closed]);
    }
    const parts = text.split('\n\n');
    text = parts.slice(count).join('\n\n');
    return parts.slice(0, count);
  };
  return {
    socket,
    closed,
    answers,
    ask: async (request: string): Promise<string | undefined> => {
      socket.write(request, 'latin1');
      return (await answers(1))[0];
    },
  };
};

test('a question gets its answer, one after another and several at once, in order', async (t) => {
  const { endpoint, counts } = await start(t, {});
  const client = await dial(endpoint);
  assert.equal(await client.ask(rcpt('alice@lab.test')), dunno);
  assert.equal(await client.ask(rcpt('bad@lab.test')), 'action=450 4.7.1 Later');
  client.socket.write(['a', 'bad', 'c'].map((name) => rcpt(`${name}@lab.test`)).join(''));
  assert.deepEqual(await client.answers(3), [dunno, 'action=450 4.7.1 Later', dunno]);
  assert.equal(counts().questions, 5);
});

test('the judge is asked what Postfix told, stamped with the time of the question', async (t) => {
  const questions: Question[] = [];
  const ask: Ask = (question) => {
    questions.push(question);
    return { kind: 'accept', why: [] };
  };
  const { endpoint } = await start(t, { ask });
  const before = Date.now();
  await (await dial(endpoint)).ask(rcpt('alice@lab.test', { sasl_username: 'bob', helo_name: 'h.test' }));
  const [question] = questions;
  assert.ok(question !== undefined && question.time >= before && question.time <= Date.now());
  assert.deepEqual(question, {
    time: question.time,
    server: 'postfix',
    stage: 'recipient',
    client: '203.0.113.7',
    helo: 'h.test',
    account: 'bob',
    sender: '',
    recipient: 'alice@lab.test',
    size: undefined,
  });
});

test('bad clients cost themselves their connection, and good ones notice nothing', async (t) => {
  // Longer than this process itself may be kept waiting: the good one is never idle so long.
  const { endpoint, counts } = await start(t, { limits: { ...defaultLimits, idleMsMax: 2000 } });
  const good = await dial(endpoint);
  const garbage = await dial(endpoint);
  const endless = await dial(endpoint);
  const half = await dial(endpoint);
  const silent = await dial(endpoint);
  const http = await dial(endpoint);
  const reset = await dial(endpoint);

  endless.socket.write(Buffer.alloc(requestBytesMax + 1, 'x'));
  half.socket.write('request=smtpd_access_policy\nprotocol_state=RC');
  http.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  reset.socket.write(rcpt('alice@lab.test'));
  reset.socket.resetAndDestroy();
  assert.equal(await garbage.ask('\0\xff nonsense\n\n'), dunno);
  assert.equal(await garbage.ask(rcpt('bad@lab.test')), 'action=450 4.7.1 Later');

  const bad = Promise.all([endless, half, silent, http, garbage].map((client) => client.closed));
  let answered = 0;
  for (let last: unknown = 'open'; last === 'open'; answered++) {
    assert.equal(await good.ask(rcpt('bad@lab.test')), 'action=450 4.7.1 Later');
    last = await Promise.race([bad, new Promise((resolve) => setImmediate(resolve, 'open'))]);
  }
  assert.ok(answered > 10);
  assert.equal(await good.ask(rcpt('alice@lab.test')), dunno);
  const { garbage: garbageCount, tooLarge, idle } = counts();
  assert.deepEqual({ garbageCount, tooLarge, idle }, { garbageCount: 1, tooLarge: 1, idle: 4 });
});

test('when the judge throws the answer is DUNNO, and the error is told', async (t) => {
  const bug = new Error('a bug');
  const ask: Ask = () => {
    throw bug;
  };
  const { endpoint, counts, complaints } = await start(t, { ask });
  assert.equal(await (await dial(endpoint)).ask(rcpt('alice@lab.test')), dunno);
  assert.deepEqual(complaints, [bug]);
  assert.equal(counts().faults, 1);
});

test('the first question about a recipient delays it, the others do not', async (t) => {
  const { endpoint } = await start(t, { ask: verdict(delay) });
  const client = await dial(endpoint);
  assert.equal(await client.ask(encodeRequest({ protocol_state: 'MAIL', instance: 'a1' })), dunno);
  assert.equal(await client.ask(rcpt('a@lab.test')), 'action=sleep 2');
  assert.equal(await client.ask(rcpt('a@lab.test')), dunno);
  assert.equal(await client.ask(rcpt('b@lab.test')), 'action=sleep 2');
  assert.equal(await client.ask(rcpt('b@lab.test')), dunno);
  assert.equal(await client.ask(rcpt('b@lab.test', { instance: 'a2' })), 'action=sleep 2');
  assert.equal(await client.ask(encodeRequest({ protocol_state: 'DATA', instance: 'a2' })), dunno);
});

test('never more clients sleep than the server has processes to spare', async (t) => {
  const { endpoint } = await start(t, { ask: verdict(delay) });
  const client = await dial(endpoint);
  const answers: (string | undefined)[] = [];
  for (let i = 0; i <= sleepersMax; i++) answers.push(await client.ask(rcpt(`${i}@lab.test`)));
  assert.equal(answers.filter((answer) => answer === 'action=sleep 2').length, sleepersMax);
  assert.equal(answers.at(-1), dunno);
});

test('when every place is taken the longest idle gives way', async (t) => {
  const { endpoint, counts } = await start(t, { limits: { ...defaultLimits, connectionsMax: 2 } });
  const first = await dial(endpoint);
  const second = await dial(endpoint);
  await second.ask(rcpt('a@lab.test'));
  await first.ask(rcpt('a@lab.test'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await first.ask(rcpt('a@lab.test'));
  const third = await dial(endpoint);
  await second.closed;
  assert.equal(await first.ask(rcpt('a@lab.test')), dunno);
  assert.equal(await third.ask(rcpt('a@lab.test')), dunno);
  assert.equal(counts().displaced, 1);
});

test('a client that sends much and does not read is not read from; when it reads it gets every answer', async (t) => {
  const text = 'x'.repeat(190);
  const { endpoint, counts } = await start(t, { ask: verdict({ ...later, reply: { ...later.reply, text } }) });
  assert.ok('port' in endpoint);
  const count = 100_000;
  const client = connect(endpoint);
  client.write(rcpt('a@lab.test').repeat(count));
  let questions = -1;
  while (counts().questions > questions || questions === 0) {
    ({ questions } = counts());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(questions > 0 && questions < count, `${questions} were read from a client that did not read`);

  let missing = `action=450 4.7.1 ${text}\n\n`.length * count;
  for await (const part of client) {
    assert.ok(Buffer.isBuffer(part));
    missing -= part.length;
    if (missing <= 0) break;
  }
  assert.equal(missing, 0);
});

test('who has just had a recipient refused waits for the evidence, and keeps the order', async (t) => {
  const waits: (() => void)[] = [];
  const evidenceSince = () => (): Promise<void> => new Promise((resolve) => waits.push(resolve));
  let knows = false;
  const ask: Ask = () => (knows ? later : { kind: 'accept', why: [] });
  const { endpoint, counts } = await start(t, { ask, evidenceSince });
  const client = await dial(endpoint);
  client.socket.write(
    rcpt('a@lab.test') + rcpt('a@lab.test') + rcpt('b@lab.test') + rcpt('c@lab.test', { instance: 'a2' }),
  );
  assert.deepEqual(await client.answers(2), [dunno, dunno]);
  assert.equal(waits.length, 1);
  assert.equal(counts().questions, 2);
  knows = true;
  waits[0]?.();
  assert.deepEqual(await client.answers(2), ['action=450 4.7.1 Later', 'action=450 4.7.1 Later']);
  assert.equal(await client.ask(rcpt('d@lab.test', { instance: 'a2' })), 'action=450 4.7.1 Later');
  assert.deepEqual({ held: counts().held, waits: waits.length }, { held: 1, waits: 1 });
});

test('a wait that fails answers all the same', async (t) => {
  const bug = new Error('a bug');
  const { endpoint, complaints } = await start(t, { evidenceSince: () => () => Promise.reject(bug) });
  const client = await dial(endpoint);
  await client.ask(rcpt('a@lab.test'));
  assert.equal(await client.ask(rcpt('b@lab.test')), dunno);
  assert.deepEqual(complaints, [bug]);
});

test('whoever waits when the service stops is not asked about any more', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { endpoint, counts, stop } = await start(t, { evidenceSince: () => () => promise });
  const client = await dial(endpoint);
  client.socket.write(rcpt('a@lab.test') + rcpt('b@lab.test'));
  await client.answers(1);
  await stop();
  resolve();
  await new Promise(setImmediate);
  assert.deepEqual({ held: counts().held, questions: counts().questions }, { held: 1, questions: 1 });
});

const folder = (t: { after: (end: () => unknown) => void }): string => {
  const path = mkdtempSync(join(tmpdir(), 'postern-policy-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
};

test('a unix socket: its mode is set, it answers, it is gone after stop', async (t) => {
  const path = join(folder(t), 'policy');
  for (const [mode, expected] of [
    [undefined, 0o660],
    [0o666, 0o666],
  ] as const) {
    const listen = mode === undefined ? { path } : { path, mode };
    const service = await startPolicy({ listen, ask: judge, complain: () => undefined });
    assert.equal(statSync(path).mode & 0o777, expected);
    assert.equal(await (await dial(service.endpoint)).ask(rcpt('bad@lab.test')), 'action=450 4.7.1 Later');
    await service.stop();
    assert.throws(() => statSync(path), { code: 'ENOENT' });
  }
});

test('a socket that a killed guard left behind is replaced; one in use and a file of another kind are not', async (t) => {
  const path = join(folder(t), 'policy');
  const listens = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listening'))`;
  const killed = spawn(process.execPath, ['-e', listens], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  assert.ok(statSync(path).isSocket());
  const { endpoint } = await start(t, { listen: { path } });
  assert.equal(await (await dial(endpoint)).ask(rcpt('a@lab.test')), dunno);
  await assert.rejects(startPolicy({ listen: { path }, ask: judge, complain: () => undefined }), Fault);

  const file = `${path}.txt`;
  writeFileSync(file, 'precious');
  await assert.rejects(startPolicy({ listen: { path: file }, ask: judge, complain: () => undefined }), Fault);
  assert.equal(statSync(file).size, 'precious'.length);
});

test('a port that is taken is a fault that names the port and the way out', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const address = other.address();
  assert.ok(address !== null && typeof address === 'object');
  const listen = { host: '127.0.0.1', port: address.port };
  await assert.rejects(
    startPolicy({ listen, ask: judge, complain: () => undefined }),
    (error) =>
      error instanceof Fault &&
      error.code === 'CONFIG' &&
      error.message.includes(`127.0.0.1:${address.port}. Something`),
  );
});

test('with reusePort two services share one port', async (t) => {
  const first = await start(t, { listen: { ...anyPort, reusePort: true } });
  assert.ok('port' in first.endpoint);
  const second = await start(t, { listen: { ...first.endpoint, reusePort: true } });
  for (let i = 0; i < 64; i++) {
    const client = await dial(first.endpoint);
    assert.equal(await client.ask(rcpt('a@lab.test')), dunno);
    client.socket.destroy();
  }
  assert.ok(first.counts().questions > 0 && second.counts().questions > 0);
  assert.equal(first.counts().questions + second.counts().questions, 64);
});

test('stop closes the connections', async (t) => {
  const { endpoint, stop } = await start(t, {});
  const client = await dial(endpoint);
  await client.ask(rcpt('a@lab.test'));
  await stop();
  await client.closed;
});
