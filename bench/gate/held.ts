/**
 * What held connections cost: resident memory each, and processor time, in the pause of the greeting and in the tarpit.
 *
 *   node bench/gate/held.ts [--connections 15000] [--seconds 10]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuSecondsOf, describeMachine, tableOf } from '../machine.ts';

const { values: options } = parseArgs({
  options: { connections: { type: 'string', default: '15000' }, seconds: { type: 'string', default: '10' } },
});
const connections = Number(options.connections);
const seconds = Number(options.seconds);
const port = 19_026;
const atOnce = 200;
/** As bin/postern starts Node. */
const heapFlags = ['--max-semi-space-size=4', '--heap-growing-percent=20'];
const goalBytes = 8192;

const residentBytesOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;

type Way = {
  readonly name: string;
  readonly greetPauseMs: number;
  readonly from: string;
  readonly steps: readonly string[];
};
const ways: readonly Way[] = [
  { name: 'in the pause of the greeting', greetPauseMs: 3_600_000, from: '127.0.2.', steps: [] },
  { name: 'idle after EHLO', greetPauseMs: 0, from: '127.0.2.', steps: ['EHLO x.test'] },
  {
    name: 'in the tarpit',
    greetPauseMs: 0,
    from: '127.0.1.',
    steps: [
      'EHLO x.test',
      'MAIL FROM:<s@remote.test>',
      'RCPT TO:<a@lab.test>\r\nRCPT TO:<b@lab.test>\r\nRCPT TO:<c@lab.test>\r\nRCPT TO:<d@lab.test>',
    ],
  },
];

let held = 0;
/** Opens a connection, one of many clients, and says its steps; the last one is not answered yet, or never. */
const hold = async ({ from, steps }: Way): Promise<Socket> => {
  const socket = connect({ host: '127.0.0.1', port, localAddress: `${from}${(held++ % 200) + 1}` });
  await once(socket, 'connect');
  await once(socket, 'data');
  for (const [at, step] of steps.entries()) {
    socket.write(`${step}\r\n`);
    if (at < steps.length - 1 || steps.length === 1) await once(socket, 'data');
  }
  return socket;
};

const measure = async (way: Way): Promise<readonly string[]> => {
  const service = spawn(
    process.execPath,
    [...heapFlags, join(import.meta.dirname, 'gate-service.ts'), `${port}`, '1', `${way.greetPauseMs}`],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const { pid = 0 } = service;
  const sockets: Socket[] = [];
  try {
    for (let turn = 0; sockets.length === 0; turn++) {
      if (turn > 100) throw new Error('the gate does not start');
      await pause(100);
      await hold(way).then(
        (socket) => sockets.push(socket),
        () => undefined,
      );
    }
    // What comes only once (code, buffers) is not the price of a connection.
    while (sockets.length < atOnce) sockets.push(await hold(way));
    const before = residentBytesOf(pid);
    while (sockets.length < connections + atOnce)
      sockets.push(...(await Promise.all(Array.from({ length: atOnce }, () => hold(way)))));
    await pause(2000);
    if (sockets.some((socket) => socket.destroyed || socket.readableEnded))
      throw new Error(`${way.name}: not all are held`);
    const bytes = (residentBytesOf(pid) - before) / connections;
    const cpuBefore = cpuSecondsOf(pid);
    await pause(seconds * 1000);
    const cpu = (100 * (cpuSecondsOf(pid) - cpuBefore)) / seconds;
    return [way.name, Math.round(bytes).toLocaleString('en'), cpu.toFixed(1), bytes <= goalBytes ? 'met' : 'missed'];
  } finally {
    for (const socket of sockets) socket.destroy();
    service.kill();
    await once(service, 'exit');
  }
};

const rows: (readonly string[])[] = [];
for (const way of ways) rows.push(await measure(way));
console.log(`### Gate, held connections: ${describeMachine()}\n`);
console.log(
  `${connections.toLocaleString('en')} connections of one run each; resident memory of the gate alone, not the kernel's.\n`,
);
console.log(tableOf([['held', 'bytes each', '% of a core', `goal: ${goalBytes} bytes`], ...rows]));
