/** What breaks around the gate: servers behind it that answer nonsense, clients that are slow, half gone, or never read. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { defaultGateLimits } from '../../../src/sense/gate/limits.ts';
import { awaitEmpty, until } from '../lab/await.ts';
import { dialSmtp } from '../lab/dialogue.ts';
import { labClosed } from '../lab/door.ts';
import { faults, places, saysTooMuch, startFaultyServer } from './faulty-server.ts';
import { behind, dial, known, openGate, port } from './scene.ts';

const patientMs = 20_000;
const limits = { ...defaultGateLimits, connectionsPerMinute: 0, idleCommandsPerConnection: 0 };

/** @returns what the client was told, code by code, as far as the gate went on */
const deliver = async (client: string): Promise<readonly number[]> => {
  const smtp = await dial(client);
  const codes = [(await smtp.say('EHLO client.test', 250)).code];
  for (const line of ['MAIL FROM:<s@remote.test>', 'RCPT TO:<alice@lab.test>', 'RCPT TO:<bob@lab.test>', 'DATA'])
    codes.push((await smtp.say(line)).code);
  if (codes.at(-1) === 354) codes.push((await smtp.say('Subject: x\r\n\r\nx\r\n.')).code);
  await smtp.quit();
  return codes;
};

const mute = ['nothing', 'half a line, then nothing'];

/** @param replyMsMax only who waits for a silent server needs it short */
const tryFaults = async (t: TestContext, names: readonly string[], replyMsMax: number): Promise<void> => {
  await using server = await startFaultyServer('192.0.2.30', 25);
  await openGate(t, { backend: behind('192.0.2.30', 25, replyMsMax), limits });
  for (const place of places) {
    for (const fault of names) {
      const what = `${fault} at ${place}`;
      const before = server.taken();
      server.go(place, fault);
      const codes = await deliver('203.0.113.1');
      assert.ok(
        codes.every((code) => code < 500),
        `${what}: the client hears ${codes.join(', ')} and gives up`,
      );
      const told = codes.length === 6 && codes.at(-1) === 250;
      assert.equal(server.taken() - before, told ? 1 : 0, `${what}: the client hears ${codes.join(', ')}`);
      assert.equal(told, place === 'dot' && saysTooMuch(fault), what);
    }
  }
  server.go(undefined, '');
  if (replyMsMax < patientMs) return;
  assert.deepEqual(await deliver('203.0.113.1'), [250, 250, 250, 250, 354, 250], 'a sane one takes it');
};

test('a server behind that says wrong things at any step costs no mail', { skip: labClosed }, (t) =>
  tryFaults(
    t,
    [...faults.keys()].filter((name) => !mute.includes(name)),
    patientMs,
  ),
);

test('a server behind that says nothing at any step costs no mail', { skip: labClosed }, (t) =>
  tryFaults(t, mute, 150),
);

test('a connection that was kept and is out of its mind is not used again', { skip: labClosed }, async (t) => {
  await using server = await startFaultyServer('192.0.2.30', 25);
  await openGate(t, { backend: behind('192.0.2.30', 25, patientMs), limits });
  const whole = [250, 250, 250, 250, 354, 250];
  for (const fault of faults.keys()) {
    server.go(undefined, '');
    assert.deepEqual(await deliver('203.0.113.1'), whole);
    server.once('RSET', fault);
    const codes = await deliver('203.0.113.1');
    // An answer too many shows only at the next command.
    assert.deepEqual(codes, saysTooMuch(fault) ? [250, 250, 451, 451, 451] : whole, fault);
  }
  assert.equal(server.taken(), 2 * faults.size - 2);

  // Two are kept, two sessions take one each, and the first one's is gone: it must not reach for the second one's.
  const two = (): Promise<(readonly number[])[]> => Promise.all([deliver('203.0.113.1'), deliver('203.0.113.2')]);
  server.go(undefined, '');
  assert.deepEqual(await two(), [whole, whole]);
  server.once('RSET', 'hangs up');
  assert.deepEqual(await two(), [whole, whole]);
});

/** Of this process, at both ends. */
const openSockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

test('a server that never hangs up is hung up on', { skip: labClosed }, async (t) => {
  await using server = await startFaultyServer('192.0.2.30', 25);
  await openGate(t, { backend: behind('192.0.2.30', 25, patientMs), limits });
  server.go('QUIT', 'nothing');
  const smtp = await dial('203.0.113.1');
  assert.match((await smtp.say('EHLO client.test', 250)).text, /^SIZE /m);
  assert.equal(server.connections(), 1, 'it was asked what it offers');
  const before = openSockets();
  await until(
    () => 'the gate still waits for it',
    () => openSockets() < before,
  );
  assert.equal(server.connections(), 1);
  await smtp.quit();
});

test('an answer that nobody asked for is never taken for one to the next message', { skip: labClosed }, async (t) => {
  await using server = await startFaultyServer('192.0.2.30', 25);
  await openGate(t, { backend: behind('192.0.2.30', 25, patientMs) });
  const smtp = await dial('203.0.113.1');
  await smtp.say('EHLO client.test', 250);
  server.go('dot', 'its answer twice');
  await smtp.send('s@remote.test', ['alice@lab.test'], 'Subject: one\n\nx\n');
  await smtp.say('MAIL FROM:<s@remote.test>', 250);
  await smtp.say('RCPT TO:<alice@lab.test>', 451);
  await smtp.say('DATA', 451);
  assert.equal(server.taken(), 1);
  await smtp.quit();
});

const open = async (from: string): Promise<Socket> => {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from });
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  return socket;
};

const commandsOfDeaf = 20_000;

/** The lab's network alone: megabytes of answers would fit between a client that does not read and the gate. */
const shrinkBuffers = (t: TestContext): void => {
  for (const name of ['tcp_rmem', 'tcp_wmem']) {
    const file = `/proc/sys/net/ipv4/${name}`;
    const before = readFileSync(file, 'latin1');
    writeFileSync(file, '4096 8192 16384');
    t.after(() => writeFileSync(file, before));
  }
};

test('who is too slow is sent away: with a command, with a message, with reading', { skip: labClosed }, async (t) => {
  // Longer than this process itself may be kept waiting: nobody else is to seem slow.
  const scene = await openGate(t, { patience: { commandMsMax: 3000, messageMsMax: 6000 }, limits });
  const silent = await dial('203.0.113.1');
  const trickle = async (from: string, start: readonly string[], drop: string): Promise<string> => {
    const smtp = await dialSmtp({ from, to: '127.0.0.1', port });
    for (const line of start) await smtp.say(line);
    const timer = setInterval(() => smtp.write(drop), 50);
    const { code, text: words } = await smtp.say('NOOP');
    clearInterval(timer);
    await smtp.closed();
    return `${code} ${words}`;
  };
  const transaction = ['EHLO x', 'MAIL FROM:<s@remote.test>', 'RCPT TO:<alice@lab.test>', 'DATA'];
  const tooSlow = /^421 4\.4\.2/;
  assert.match(await trickle('203.0.113.2', transaction, 'x\r\n'), tooSlow);
  const chunk = ['EHLO x', 'MAIL FROM:<s@remote.test>', 'RCPT TO:<alice@lab.test>'];
  const bdat = await dial('203.0.113.3');
  for (const line of chunk) await bdat.say(line, 250);
  assert.match(String((await bdat.say('BDAT 1000 LAST\r\nnot so many')).code), /421/);
  assert.equal((await silent.say('')).code, 421);

  // A line that never ends, a byte at a time.
  const slow = await open('203.0.113.4');
  const timer = setInterval(() => slow.write('N'), 50);
  assert.match(await text(slow), /421 4\.4\.2/);
  clearInterval(timer);

  shrinkBuffers(t);
  // One that may send ahead: it is let go for nothing else.
  scene.decide = known;
  const deaf = await open('203.0.113.5');
  deaf.pause();
  deaf.write('EHLO never.reads.test\r\n'.repeat(commandsOfDeaf));
  await scene.until(({ kind, client }) => kind === 'disconnect' && client === '203.0.113.5');
  deaf.destroy();
  const told = scene.told.filter(({ client }) => client === '203.0.113.5').map(({ kind }) => kind);
  assert.ok(told.length > 3 && told.length < commandsOfDeaf, `${told.length}: not read to the end`);
  assert.deepEqual(new Set(told), new Set(['connect', 'helo', 'disconnect']));
  assert.equal(scene.told.filter(({ kind }) => kind === 'message').length, 0);
});

/** A read of 64 KiB, one line, and what the kernel keeps at both ends: half as much again. */
const aheadBytesMax = 200 * 1024;

test('what a client sends ahead stays with it until it is its turn', { skip: labClosed }, async (t) => {
  shrinkBuffers(t);
  await using server = await startFaultyServer('192.0.2.30', 25);
  await openGate(t, { backend: behind('192.0.2.30', 25, patientMs), limits });
  const socket = await open('203.0.113.6');
  await once(socket, 'data');
  socket.write('EHLO x\r\n');
  await once(socket, 'data');
  server.go('RCPT', 'nothing');
  socket.write('MAIL FROM:<s@remote.test>\r\nRCPT TO:<alice@lab.test>\r\n');
  let sent = 0;
  const sendOn = (): void => {
    sent += 1024;
    if (sent < 10 * aheadBytesMax) socket.write('NOOP 78901234\r\n'.repeat(64), sendOn);
  };
  sendOn();
  let before = -1;
  await until(
    () => `it takes all, ${sent} bytes so far`,
    async () => {
      const isStill = sent === before;
      before = sent;
      await pause(500);
      return isStill;
    },
  );
  assert.ok(sent > 16 * 1024 && sent < aheadBytesMax, `${sent} bytes`);
  socket.destroy();
});

test(
  'a client that has said all and closed its side is still answered, and its mail taken',
  { skip: labClosed },
  async (t) => {
    const scene = await openGate(t);
    scene.decide = known;
    const socket = await open('203.0.113.1');
    await once(socket, 'data');
    socket.end(
      'EHLO x\r\nMAIL FROM:<s@remote.test>\r\nRCPT TO:<alice@lab.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n',
    );
    assert.match(await text(socket), /^354 .*\r\n250 2\.0\.0 Stored/m);
    assert.equal(readdirSync(join(scene.directory, 'store/lab.test/alice/new')).length, 1);

    const cut = await open('203.0.113.2');
    await once(cut, 'data');
    cut.end('EHLO x\r\nMAIL FROM:<s@remote.test>\r\nRCPT TO:<alice@lab.test>\r\nDATA\r\nSubject: half of it\r\n');
    assert.doesNotMatch(await text(cut), /Stored/);
    assert.equal(readdirSync(join(scene.directory, 'store/lab.test/alice/new')).length, 1);
    // Nothing is left of the half.
    await awaitEmpty(join(scene.directory, 'store/tmp'));
  },
);
