/**
 * Good clients: whole sessions with a message, from ten addresses, at a pace, every answer timed.
 * `good.ts ADDRESS RECIPIENT PER-SECOND SECONDS` prints what it came to as JSON.
 */
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { quantileOf } from './load.ts';

export type Good = {
  readonly sessions: number;
  /** Sessions in which something was refused, or nobody answered for five seconds. */
  readonly refused: number;
  /** Milliseconds until an answer, of all, of the greeting and of RCPT alone. */
  readonly p50: number;
  readonly p99: number;
  readonly greetingP99: number;
  readonly rcptP99: number;
};

const [address = '', recipient = '', perSecond = '', seconds = ''] = process.argv.slice(2);
const clients = 10;
/** A full queue of the kernel's at the server leaves a client that believes it is connected: it goes away after so long. */
const patienceMs = 5000;
const lines = [
  'EHLO good.test',
  'MAIL FROM:<s@remote.test>',
  `RCPT TO:<${recipient}>`,
  'DATA',
  'Subject: hello\r\n\r\nall is well\r\n.',
  'QUIT',
];
const answers: number[] = [];
const rcpts: number[] = [];
const greetings: number[] = [];
let sessions = 0;
let refused = 0;

const session = async (client: number): Promise<void> => {
  const socket = connect({ host: address, port: 25, localAddress: `62.10.${client}.7`, noDelay: true });
  sessions++;
  let heard = '';
  let at = -1;
  let saidAt = performance.now();
  socket.on('data', (bytes) => {
    heard += bytes.toString('latin1');
    if (!/^\d{3} .*\r\n/m.test(heard)) return;
    const took = performance.now() - saidAt;
    // The greeting waits for a process; it is a client's first answer.
    answers.push(took);
    if (at < 0) greetings.push(took);
    if (lines[at]?.startsWith('RCPT') === true) rcpts.push(took);
    if (!/^[23]/.test(heard)) {
      refused++;
      socket.destroy();
      return;
    }
    heard = '';
    const line = lines[++at];
    if (line === undefined) return;
    saidAt = performance.now();
    socket.write(`${line}\r\n`);
  });
  socket.setTimeout(patienceMs, () => {
    answers.push(patienceMs);
    if (at < 0) greetings.push(patienceMs);
    refused++;
    socket.destroy();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('close', () => resolve());
  socket.on('error', () => undefined);
  await promise;
};

const began = performance.now();
const wanted = Number(perSecond) * Number(seconds);
const running: Promise<void>[] = [];
for (let at = 0; at < wanted; at++) {
  const due = began + (at * 1000) / Number(perSecond);
  if (due > performance.now()) await pause(due - performance.now());
  running.push(session(at % clients));
}
await Promise.all(running);
const told: Good = {
  sessions,
  refused,
  p50: quantileOf(answers, 0.5),
  p99: quantileOf(answers, 0.99),
  greetingP99: quantileOf(greetings, 0.99),
  rcptP99: quantileOf(rcpts, 0.99),
};
process.stdout.write(`${JSON.stringify(told)}\n`);
