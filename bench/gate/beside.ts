/**
 * What the gate adds to each answer of a good session, alone and with thousands of held attackers beside it, who ask on as
 * soon as they are answered. Two gates, one of them with the attackers, are asked in turn, so that whatever else the machine
 * does meets both:
 *
 *   node bench/gate/beside.ts [--held 5000] [--sessions 1000] [--rounds 7]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { describeMachine, medianOf, tableOf } from '../machine.ts';
import { runLoad } from './load.ts';

const { values: options } = parseArgs({
  options: {
    held: { type: 'string', default: '5000' },
    sessions: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '7' },
  },
});
const rounds = Number(options.rounds);
const held = Number(options.held);
const sessions = Number(options.sessions);
const sinkPort = 19_128;
const [quietPort, port] = [19_027, 19_028];
const host = '127.0.0.1';
const steps = ['EHLO client.test', 'MAIL FROM:<s@remote.test>', 'RCPT TO:<x@lab.test>', 'RSET', 'QUIT'];

const sink = spawn(
  'smtp-sink',
  [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), `${host}:${sinkPort}`, '1000'],
  {
    stdio: 'ignore',
  },
);
const gates = [quietPort, port].map((at) =>
  spawn(process.execPath, [join(import.meta.dirname, 'gate-service.ts'), `${at}`, `${sinkPort}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  }),
);
await pause(2000);

type Answers = { readonly name: string; readonly p50: number; readonly p99: number };
const percentile = (sorted: readonly number[], share: number): number =>
  (sorted[Math.floor(sorted.length * share)] ?? Number.NaN) / 1000;
const measure = async (name: string, at: number): Promise<Answers> => {
  const { times, answered } = await runLoad({ host, port: at }, steps, {
    sessions,
    atOnce: 2,
    from: () => '127.0.2.1',
  });
  if (answered < sessions) throw new Error(`${name}: ${answered} of ${sessions} were answered to the end`);
  const sorted = times.toSorted((a, b) => a - b);
  return { name, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
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
const besieged = `gate, ${held.toLocaleString('en')} held beside it`;
const ways = [
  ['smtp-sink alone', sinkPort],
  ['gate, to smtp-sink', quietPort],
  [besieged, port],
] as const;
try {
  await measure('warm-up', quietPort);
  await measure('warm-up', port);
  while (attackers.length < held)
    attackers.push(...(await Promise.all(Array.from({ length: 100 }, (_, at) => attack(attackers.length + at)))));
  // Their first, soonest refusals come in a wave.
  await pause(30_000);
  const measured: Answers[] = [];
  for (let round = 0; round < rounds; round++) for (const [name, at] of ways) measured.push(await measure(name, at));
  if (attackers.some((socket) => socket.destroyed || socket.readableEnded)) throw new Error('not all are held');
  const [sinkTimes, quiet, busy] = ways.map(([name]) => {
    const all = measured.filter((each) => each.name === name);
    return { name, p50: medianOf(all.map(({ p50 }) => p50)), p99: medianOf(all.map(({ p99 }) => p99)) };
  });
  if (!sinkTimes || !quiet || !busy) throw new Error('nothing was measured');
  console.log(`### Gate, time of an answer: ${describeMachine()}\n`);
  console.log(
    `Medians of ${rounds} rounds of ${sessions.toLocaleString('en')} sessions of ${steps.length} commands, 2 at once; load, sink and attackers run on the same cores.\n`,
  );
  const rows = [sinkTimes, quiet, busy].map(({ name, p50, p99 }) => [name, p50.toFixed(2), p99.toFixed(2)]);
  console.log(tableOf([['server', 'p50 ms', 'p99 ms'], ...rows]));
  console.log(
    `\n${tableOf([
      ['the gate', 'goal', 'measured'],
      ['adds to the median, ms', '< 0.3', (quiet.p50 - sinkTimes.p50).toFixed(2)],
      ['p99 with the held ones, against without', '<= 2', (busy.p99 / quiet.p99).toFixed(2)],
    ])}`,
  );
} finally {
  for (const socket of attackers) socket.destroy();
  for (const gate of gates) gate.kill();
  sink.kill();
}
