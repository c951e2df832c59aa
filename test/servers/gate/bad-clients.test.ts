/**
 * Clients that want nothing but to cost: one byte at a time in either direction, in the clear and under TLS; gone without a
 * word; fifteen thousand that say nothing; and any bytes at all in front of a server that counts what it was given.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { runCommand } from '../lab/daemon.ts';
import type { SmtpDialogue } from '../lab/dialogue.ts';
import { labClosed } from '../lab/door.ts';
import { startLibrary } from '../lab/library.ts';
import { behind, dial, known, noLimits, openGate, port } from './scene.ts';
import { runGate } from './running.ts';

/** A byte now and then, faster than the patience of a command, slower than that of the whole. @returns the last it heard */
const trickle = async (smtp: SmtpDialogue, start: readonly string[], drop: string): Promise<number> => {
  for (const line of start) await smtp.say(line);
  // The chunk is announced once, and the rest of it trickles.
  if (drop.startsWith('BDAT')) smtp.write(drop);
  const timer = setInterval(() => smtp.write(drop.slice(-2)), 100);
  const { code } = await smtp.hear();
  clearInterval(timer);
  await smtp.closed();
  return code;
};

test(
  'one byte at a time, in the clear and under TLS, at any stage: 421, and nothing kept',
  { skip: labClosed },
  async (t) => {
    await using library = await startLibrary();
    // Longer than this process itself may be kept waiting; all at once, so that it is waited for once.
    const scene = await openGate(t, {
      backend: behind(library.address),
      limits: noLimits,
      patience: { commandMsMax: 5000, messageMsMax: 10_000 },
    });
    const transaction = ['EHLO x', 'MAIL FROM:<s@remote.test>', 'RCPT TO:<alice@lab.test>'];
    const stages: readonly (readonly [readonly string[], string])[] = [
      [[], 'E'],
      [['EHLO x'], 'M'],
      [[...transaction, 'DATA'], 'x'],
      [[...transaction, 'DATA'], '\r\n'],
      [transaction, 'BDAT 1000\r\n'],
    ];
    const held = ['plain', 'TLS'].flatMap((way) =>
      stages.map(async ([start, drop]) => {
        const smtp = await dial('203.0.113.1');
        if (way === 'TLS') await smtp.startTls();
        assert.equal(await trickle(smtp, start, drop), 421, `${way}: ${start.at(-1) ?? 'nothing'}, then ${drop}`);
      }),
    );
    await Promise.all(held);
    await scene.until(() => scene.told.filter(({ kind }) => kind === 'disconnect').length === 2 * stages.length);
    assert.deepEqual(library.messages(), []);
  },
);

const silently = async (from: string, then: () => Promise<void>): Promise<void> => {
  const rules = `table ip vanish { chain in { type filter hook input priority 0;\n ip saddr ${from} tcp dport ${port} drop\n ip daddr ${from} tcp sport ${port} drop\n }\n}\n`;
  await runCommand('nft', ['-f', '-'], rules);
  try {
    await then();
  } finally {
    await runCommand('nft', ['delete', 'table', 'ip', 'vanish']);
  }
};

test('a client that is gone without a word is let go, wherever it was', { skip: labClosed }, async (t) => {
  await using library = await startLibrary();
  const scene = await openGate(t, {
    backend: behind(library.address),
    limits: { ...noLimits, connectionsAtOnce: 4 },
    patience: { commandMsMax: 3000, messageMsMax: 4500 },
  });
  const from = '203.0.113.50';
  const transaction = ['EHLO x', 'MAIL FROM:<s@remote.test>', 'RCPT TO:<alice@lab.test>', 'DATA'];
  const gone: SmtpDialogue[] = [];
  for (const length of [0, 1, 3, 4]) {
    const smtp = await dial(from);
    for (const line of transaction.slice(0, length)) await smtp.say(line);
    gone.push(smtp);
  }
  await silently(from, () =>
    scene.until(() => scene.told.filter(({ kind, client }) => kind === 'disconnect' && client === from).length === 4),
  );
  for (const smtp of gone) smtp.hangUp();
  const back = await dial(from);
  assert.equal(back.greeting.code, 220, 'its places are free');
  await back.quit();
  assert.deepEqual(library.messages(), []);
});

const idle = 15_000;
/** What bench/gate/held.ts measures, with room for the rest of the guard. */
const bytesEachMax = 32 * 1024;
const descriptors = (): number =>
  Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 0);
const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;

test('fifteen thousand that say nothing cost little, and keep nobody else out', { skip: labClosed }, async (t) => {
  if (descriptors() < idle + 1000) return t.skip(`no more than ${descriptors()} files may be open`);
  await using gate = await runGate('gate', port, [
    'gate: { protect: [lab.test], mailboxes: [alice], greetPauseMs: 0, limits: { connectionsPerMinute: 0, connectionsAtOnce: 0 } }',
  ]);
  const before = residentBytes(gate.pid());
  const sockets: Socket[] = [];
  const open = async (): Promise<void> => {
    const at = sockets.length;
    const localAddress = `198.${18 + ((at >> 8) % 2)}.${at % 256}.${1 + (at >> 9)}`;
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    sockets.push(socket);
    const [greeting]: unknown[] = await once(socket, 'data');
    assert.match(String(greeting), /^220 /);
  };
  try {
    while (sockets.length < idle) await Promise.all(Array.from({ length: 250 }, open));
    const each = (residentBytes(gate.pid()) - before) / idle;
    assert.ok(each < bytesEachMax, `${Math.round(each)} bytes each`);
    const smtp = await dial('203.0.113.1');
    await smtp.say('EHLO client.test', 250);
    await smtp.send('s@localhost', ['alice@lab.test'], 'Subject: in spite of all\n\nx\n');
    await smtp.quit();
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

const words = [
  'EHLO x\r\n',
  'MAIL FROM:<s@remote.test>\r\n',
  'RCPT TO:<alice@lab.test>\r\n',
  'RCPT TO:<nobody@lab.test>\r\n',
  'DATA\r\n',
  'BDAT 5\r\nab\r\nc',
  'BDAT 3 LAST\r\nx\r\n',
  'BDAT 4 LAST\r\nx\n.\n',
  'Subject: x\r\n',
  '\r\n.\r\n',
  '\n.\n',
  '\r.\r',
  '.\r\n',
  'RSET\r\n',
  'QUIT\r\n',
  'STARTTLS\r\n',
  'AUTH PLAIN AGEAYg==\r\n',
  '\0\u00ff',
];

test(
  'whatever is said, the server behind has as many messages as the client was told',
  { skip: labClosed },
  async (t) => {
    await using library = await startLibrary();
    const scene = await openGate(t, {
      backend: behind(library.address),
      limits: noLimits,
      patience: { commandMsMax: 5000, messageMsMax: 5000 },
    });
    scene.decide = known;
    let taken = 0;
    const converse = async (parts: readonly string[]): Promise<string> => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: '203.0.113.1' });
      let heard = '';
      socket.setEncoding('latin1').on('data', (text: string) => (heard += text));
      socket.on('error', () => socket.destroy());
      await once(socket, 'connect');
      for (const part of parts) socket.write(part, 'latin1');
      if (!socket.destroyed) socket.end();
      await once(socket, 'close');
      return heard;
    };
    const start = words.slice(0, 3);
    const end = ['\r\n.\r\n', 'BDAT 3 LAST\r\nx\r\n', ...start, 'DATA\r\n', '.\r\n'];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...words), { maxLength: 8 }), fc.boolean(), async (parts, begun) => {
        const heard = await converse(begun ? [...start, ...parts, ...end] : parts);
        taken += heard.match(/^250 taken as/gm)?.length ?? 0;
        assert.equal(library.messages().length, taken, JSON.stringify(parts));
      }),
      { numRuns: 150 },
    );
    assert.ok(taken > 20, `${taken} were taken`);
  },
);
