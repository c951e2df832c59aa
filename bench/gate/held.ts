/**
 * What held connections cost, beside Haraka in the same run: resident memory each, the processor time to take them in, and
 * that of holding them, when all waits have grown to their longest.
 *
 *   node bench/gate/held.ts [--connections 15000] [--seconds 10] [--settle 120]
 *
 * Each end needs a file descriptor a connection: `ulimit -n` must be above that. The clients have 200 addresses, because one has
 * no more than 28,000 ports. Haraka's own ways to hold are its early_talker pause before the greeting and its tarpit.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuSecondsOf, describeMachine, tableOf } from '../machine.ts';
import { accepts } from '../accepts.ts';
import { installHoldingHaraka } from './peers.ts';

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '15000' },
    seconds: { type: 'string', default: '10' },
    settle: { type: 'string', default: '120' },
  },
});
const connections = Number(options.connections);
const seconds = Number(options.seconds);
const settle = Number(options.settle);
const port = 19_026;
const atOnce = 200;
/** As bin/postern starts Node; Haraka gets them too. */
const heapFlags = ['--max-semi-space-size=8', '--no-parallel-scavenge', '--heap-growing-percent=50'];
const goalBytes = 8192;

const residentBytesOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;

type Way = {
  readonly name: string;
  readonly greets: boolean;
  readonly from: string;
  readonly steps: readonly string[];
};
const ways: readonly Way[] = [
  { name: 'in the pause of the greeting', greets: false, from: '127.0.2.', steps: [] },
  { name: 'idle after EHLO', greets: true, from: '127.0.2.', steps: ['EHLO x.test'] },
  { name: 'in the tarpit', greets: true, from: '127.0.1.', steps: ['EHLO x.test', 'MAIL FROM:<s@remote.test>'] },
];

type Contender = { readonly name: string; readonly start: (way: Way) => ChildProcess };
const gate: Contender = {
  name: 'postern gate',
  start: ({ greets }) =>
    spawn(
      process.execPath,
      [...heapFlags, join(import.meta.dirname, 'gate-service.ts'), `${port}`, '1', greets ? '0' : '3600000'],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    ),
};

let held = 0;
/** Opens a connection, one of many clients, and says its steps; in the tarpit it then asks for one recipient after the other. */
const hold = async ({ greets, from, steps }: Way): Promise<Socket> => {
  const socket = connect({ host: '127.0.0.1', port, localAddress: `${from}${(held++ % 200) + 1}` });
  await once(socket, 'connect');
  if (greets) await once(socket, 'data');
  for (const step of steps) {
    socket.write(`${step}\r\n`);
    await once(socket, 'data');
  }
  if (steps.length < 2) return socket;
  let name = 0;
  const ask = (): void => void socket.write(`RCPT TO:<u${name++}@lab.test>\r\n`);
  socket.on('data', ask);
  ask();
  return socket;
};

type Cost = { readonly bytes: number; readonly takeIn: number; readonly first: number; readonly steady: number };
const measure = async ({ name, start }: Contender, way: Way): Promise<Cost> => {
  const service = start(way);
  const { pid = 0 } = service;
  const sockets: Socket[] = [];
  const more = async (count: number): Promise<void> => {
    const wanted = sockets.length + count;
    while (sockets.length < wanted)
      sockets.push(...(await Promise.all(Array.from({ length: atOnce }, () => hold(way)))));
  };
  const percentOver = async (time: number): Promise<number> => {
    const before = cpuSecondsOf(pid);
    await pause(time * 1000);
    return (100 * (cpuSecondsOf(pid) - before)) / time;
  };
  try {
    for (let turn = 0; !(await accepts(port)); turn++) {
      if (turn > 100) throw new Error(`${name} does not start`);
      await pause(100);
    }
    // What comes only once (code, buffers) is not the price of a connection.
    await more(atOnce);
    await pause(1000);
    const [bytesBefore, cpuBefore] = [residentBytesOf(pid), cpuSecondsOf(pid)];
    await more(connections);
    const takeIn = ((cpuSecondsOf(pid) - cpuBefore) / connections) * 1e6;
    const first = await percentOver(seconds);
    if (way.steps.length > 1) await pause(settle * 1000);
    const steady = await percentOver(seconds);
    if (sockets.some((socket) => socket.destroyed || socket.readableEnded))
      throw new Error(`${name}: not all are held ${way.name}`);
    return { bytes: (residentBytesOf(pid) - bytesBefore) / connections, takeIn, first, steady };
  } finally {
    for (const socket of sockets) socket.destroy();
    // Haraka waits half a minute for its clients when it is asked to end.
    service.kill('SIGKILL');
    await once(service, 'exit');
  }
};

const scratch = mkdtempSync(join(tmpdir(), 'postern-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const haraka = installHoldingHaraka(scratch, port, heapFlags);
if (haraka === undefined) console.log('Haraka cannot be installed here: its rows are left out.');

const rows: (readonly string[])[] = [];
const ratios: (readonly string[])[] = [];
for (const way of ways) {
  const own = await measure(gate, way);
  const peer =
    haraka && (await measure({ name: haraka.name, start: ({ greets }) => haraka.start(greets ? 0 : 3600) }, way));
  const row = (name: string, { bytes, takeIn, first, steady }: Cost): readonly string[] => [
    `${name}, ${way.name}`,
    Math.round(bytes).toLocaleString('en'),
    takeIn.toFixed(0),
    first.toFixed(1),
    steady.toFixed(1),
  ];
  rows.push(row(gate.name, own));
  if (haraka !== undefined && peer !== undefined) {
    rows.push(row(haraka.name, peer));
    ratios.push([way.name, (own.bytes / peer.bytes).toFixed(2), own.bytes <= goalBytes ? 'met' : 'missed']);
  } else ratios.push([way.name, '', own.bytes <= goalBytes ? 'met' : 'missed']);
}
console.log(`### Gate, held connections: ${describeMachine()}\n`);
console.log(
  `${connections.toLocaleString('en')} connections of one run each; resident memory of the server alone, not the kernel's; the load runs on the same cores.\n`,
);
const head = ['held', 'bytes each', 'CPU µs to take one in', `% of a core, first ${seconds} s`, '% of a core, then'];
console.log(tableOf([head, ...rows]));
console.log(`\n${tableOf([['held', "bytes: gate's / Haraka's", `goal: ${goalBytes} bytes`], ...ratios])}`);
