/**
 * The session engine under whatever bytes, in the clear and under TLS: wherever they are cut it answers the same; it never
 * dies, never hangs, never says what is no SMTP reply, and never takes a message that was not sent.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import * as fc from 'fast-check';
import { labClosed } from '../lab/door.ts';
import { known, noLimits, openGate, port } from './scene.ts';

/** Everything a session can hold, in one stream; what the gate says to it must not depend on where it was cut. */
const session = [
  'EHLO client.test',
  'MAIL FROM:<s@remote.test> SIZE=20',
  'RCPT TO:<alice@lab.test>',
  'RCPT TO:<x@elsewhere.test>',
  'DATA',
  'Subject: x',
  '',
  '..a dot',
  '.',
  'MAIL FROM:<>',
  'RCPT TO:<postmaster@lab.test>',
  'BDAT 4',
  'x\r\nyBDAT 0 LAST',
  'NOOP \u00e9\nbare',
  'MAIL FROM:<s@remote.test>',
  'RSET',
  'QUIT',
  '',
].join('\r\n');

/** A name of its own for each message: replies are compared without it. */
const withoutNames = (heard: string): string => heard.replaceAll(/Stored as \S+/g, 'Stored');

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Not `once`: a reset is an end like any other. */
const closeOf = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

type Way = 'plain' | 'tls';
const open = async (way: Way): Promise<{ socket: Socket; heard: () => string }> => {
  const plain = connect({ host: '127.0.0.1', port, localAddress: '203.0.113.1', noDelay: true });
  plain.on('error', () => plain.destroy());
  let socket: Socket = plain;
  const [greeting]: unknown[] = await once(plain, 'data');
  assert.match(String(greeting), /^220 /);
  if (way === 'tls') {
    plain.write('STARTTLS\r\n');
    await once(plain, 'data');
    plain.removeAllListeners('data');
    socket = connectTls({ socket: plain, rejectUnauthorized: false });
    socket.on('error', () => socket.destroy());
    await once(socket, 'secureConnect');
  }
  let heard = '';
  socket.on('data', (bytes: Buffer) => {
    heard += bytes.toString('latin1');
  });
  return { socket, heard: () => heard };
};

/** Sends the parts one after the other, closes its side. @returns all that it heard until the gate closed */
const converse = async (way: Way, parts: readonly string[]): Promise<string> => {
  const { socket, heard } = await open(way);
  const closed = closeOf(socket);
  for (const part of parts) {
    if (part !== '' && !socket.destroyed) socket.write(part, 'latin1');
    await nextTurn();
  }
  if (!socket.destroyed) socket.end();
  await closed;
  return heard();
};

for (const way of ['plain', 'tls'] as const) {
  test(`${way}: a session is answered the same wherever it is cut`, { skip: labClosed }, async (t) => {
    const scene = await openGate(t, { limits: noLimits });
    scene.decide = known;
    const whole = withoutNames(await converse(way, [session]));
    assert.equal(whole.match(/^250 2\.0\.0 Stored/gm)?.length, 2);
    assert.match(whole, /^554 5\.7\.1.*\r\n354 /m);
    assert.match(whole, /\r\n500 5\.5\.2.*\r\n500 5\.5\.1.*\r\n250 2\.1\.0.*\r\n250 2\.0\.0.*\r\n221 .*\r\n$/);
    for (let at = 1; at < session.length; at++)
      assert.equal(
        withoutNames(await converse(way, [session.slice(0, at), session.slice(at)])),
        whole,
        `cut at ${at}: ${JSON.stringify(session.slice(at - 10, at + 10))}`,
      );
    assert.equal(scene.told.filter(({ kind }) => kind === 'message').length, 2 * session.length);
  });

  test(`${way}: any bytes at any stage`, { skip: labClosed }, async (t) => {
    const scene = await openGate(t, { limits: noLimits, patience: { commandMsMax: 2000, messageMsMax: 4000 } });
    scene.decide = known;
    const words = fc.constantFrom(
      ...session.split('\r\n'),
      'STARTTLS',
      'AUTH PLAIN',
      'AUTH LOGIN =',
      'BDAT 9999999999',
      '\u0016\u0003\u0001',
    );
    const ends = fc.constantFrom('\r\n', '\n', '\r', '', '\r\n.\r\n', '\0');
    const bytes = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 60,
    });
    const part = fc.oneof(
      { weight: 4, arbitrary: words },
      { weight: 2, arbitrary: bytes },
      { weight: 1, arbitrary: bytes.map((text) => text.repeat(300)) },
    );
    const parts = fc.array(
      fc.tuple(part, ends).map(([text, end]) => text + end),
      { maxLength: 25 },
    );
    let lines = 0;
    await fc.assert(
      fc.asyncProperty(parts, async (sent) => {
        const before = scene.told.filter(({ kind }) => kind === 'message').length;
        const heard = await converse(way, sent);
        // Behind a second STARTTLS come the bytes of a handshake, or an alert of it.
        const clear = heard.split(/^220 2\.0\.0 Ready/m, 1)[0] ?? '';
        for (const line of clear.split('\r\n').slice(0, -1)) {
          lines++;
          assert.match(line, /^[2-5]\d\d[ -][ -~\u0080-\u00ff]*$/);
        }
        const stored = clear.match(/^250 2\.0\.0 Stored/gm)?.length ?? 0;
        assert.equal(scene.told.filter(({ kind }) => kind === 'message').length - before, stored);
      }),
      { numRuns: 300 },
    );
    // Of 300 sessions, as chance has made them.
    assert.ok(lines > 300, `${lines} lines were heard`);
    assert.match(await converse(way, ['NOOP\r\nQUIT\r\n']), /^250 .*\r\n221 /, 'it still serves');
  });
}

test('no handshake, or half of one, after STARTTLS', { skip: labClosed }, async (t) => {
  const scene = await openGate(t, { limits: noLimits, patience: { commandMsMax: 300, messageMsMax: 1000 } });
  for (const [at, instead] of [
    '',
    '\u0016',
    '\u0016\u0003\u0001\u0000\u0005hello',
    'MAIL FROM:<a@b.test>\r\n',
    'x'.repeat(20_000),
  ].entries()) {
    const { socket } = await open('plain');
    socket.write('STARTTLS\r\n');
    await once(socket, 'data');
    const closed = closeOf(socket);
    socket.write(instead, 'latin1');
    await closed;
    await scene.until(() => scene.told.filter(({ kind }) => kind === 'disconnect').length === at + 1);
  }
  assert.ok(scene.asked.every(({ sender }) => sender === undefined));
});
