/**
 * What the gate adds to each answer of a good session, alone and with thousands of held attackers beside it, who ask on as
 * soon as they are answered:
 *
 *   node bench/gate/beside.ts [--held 5000] [--sessions 3000]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { describeMachine, tableOf } from '../machine.ts';
import { runLoad } from './load.ts';

const { values: options } = parseArgs({
  options: { held: { type: 'string', default: '5000' }, sessions: { type: 'string', default: '3000' } },
});
const held = Number(options.held);
const sessions = Number(options.sessions);
const sinkPort = 19_128;
const port = 19_028;
const host = '127.0.0.1';
const steps = ['EHLO client.test', 'MAIL FROM:<s@remote.test>', 'RCPT TO:<x@lab.test>', 'RSET', 'QUIT'];

const sink = spawn(
  'smtp-sink',
  [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), `${host}:${sinkPort}`, '1000'],
  {
    stdio: 'ignore',
  },
);
const gate = spawn(process.execPath, [join(import.meta.dirname, 'gate-service.ts'), `${port}`, `${sinkPort}`], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
await pause(2000);

const percentile = (sorted: readonly number[], share: number): string =>
  ((sorted[Math.floor(sorted.length * share)] ?? Number.NaN) / 1000).toFixed(2);
const measure = async (name: string, at: number): Promise<readonly string[]> => {
  const { times, answered } = await runLoad({ host, port: at }, steps, {
    sessions,
    atOnce: 2,
    from: () => '127.0.2.1',
  });
  if (answered < sessions) throw new Error(`${name}: ${answered} of ${sessions} were answered to the end`);
  const sorted = times.toSorted((a, b) => a - b);
  return [name, percentile(sorted, 0.5), percentile(sorted, 0.99)];
};

/** Asks for one recipient after the other, whenever it is answered. */
const attack = async (at: number): Promise<Socket> => {
  const socket = connect({ host, port, localAddress: `127.0.1.${(at % 200) + 1}` });
  await once(socket, 'data');
  for (const step of ['EHLO x.test', 'MAIL FROM:<s@remote.test>']) {
    socket.write(`${step}\r\n`);
    await once(socket, 'data');
  }
  let name = 0;
  const ask = (): void => void socket.write(`RCPT TO:<u${name++}@lab.test>\r\n`);
  socket.on('data', ask);
  ask();
  return socket;
};

const attackers: Socket[] = [];
try {
  await measure('warm-up', port);
  const rows = [await measure('smtp-sink alone', sinkPort), await measure('gate, to smtp-sink', port)];
  while (attackers.length < held)
    attackers.push(...(await Promise.all(Array.from({ length: 100 }, (_, at) => attack(attackers.length + at)))));
  if (attackers.some((socket) => socket.destroyed || socket.readableEnded)) throw new Error('not all are held');
  rows.push(await measure(`gate, ${held.toLocaleString('en')} held beside it`, port));
  console.log(`### Gate, time of an answer: ${describeMachine()}\n`);
  console.log(
    `${sessions.toLocaleString('en')} sessions of ${steps.length} commands, 2 at once; load, sink and attackers run on the same cores.\n`,
  );
  console.log(tableOf([['server', 'p50 ms', 'p99 ms'], ...rows]));
} finally {
  for (const socket of attackers) socket.destroy();
  gate.kill();
  sink.kill();
}
