/**
 * Whole sessions (EHLO, MAIL, RCPT, DATA of 4 kB, QUIT) through the gate to a sink that answers at once, beside the sink
 * alone and beside two servers from npm (`peers.ts`):
 *
 *   node bench/gate/compare.ts [--rounds 3] [--messages 4000]
 *
 * Load and sink are Postfix's `smtp-source` and `smtp-sink`. The peers are installed into a temporary folder; where that does
 * not work their rows are left out, and the bench says so. One thread; load, sink and contender share the machine's cores.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { accepts } from '../accepts.ts';
import { installPeers } from './peers.ts';
import { cpuSecondsOf, describeMachine, medianOf, tableOf } from '../machine.ts';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, messages: { type: 'string', default: '4000' } },
});
const rounds = Number(options.rounds);
const messages = Number(options.messages);
const connections = 20;
const sinkPort = 19_125;
const port = 19_025;

const scratch = mkdtempSync(join(tmpdir(), 'postern-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const until = async (at: number, wanted: boolean): Promise<void> => {
  for (let turn = 0; (await accepts(at)) !== wanted; turn++) {
    if (turn > 200) throw new Error(`port ${at} ${wanted ? 'does not answer' : 'still answers'}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

type Contender = { readonly name: string; readonly start: (() => ChildProcess) | undefined; readonly port: number };
/** @param passClient `received`: connections to the sink are kept, as the peer's are; `auto`: each session has its own */
const startGate = (passClient: 'received' | 'auto'): ChildProcess => {
  const file = join(import.meta.dirname, 'gate-service.ts');
  const args = [file, `${port}`, `${sinkPort}`, '0', '127.0.0.1', '50000', '1', passClient];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
};
const contenders: Contender[] = [
  { name: 'smtp-sink alone (C)', start: undefined, port: sinkPort },
  { name: 'postern gate, to smtp-sink', start: () => startGate('received'), port },
  { name: 'the same, by XCLIENT', start: () => startGate('auto'), port },
];
const peers = installPeers(scratch, port, sinkPort);
contenders.push(...peers.map((peer) => ({ ...peer, port })));
if (peers.length === 0) console.log('The peers cannot be installed here: their rows are left out.');

const load = async (at: number, count: number): Promise<number> => {
  const began = process.hrtime.bigint();
  const source = spawn(
    'smtp-source',
    [
      '-s',
      `${connections}`,
      '-m',
      `${count}`,
      '-l',
      '4096',
      '-f',
      's@remote.test',
      '-t',
      'x@lab.test',
      `127.0.0.1:${at}`,
    ],
    { stdio: 'inherit' },
  );
  const [status] = await once(source, 'exit');
  if (status !== 0) throw new Error('smtp-source failed');
  return Number(process.hrtime.bigint() - began) / 1e9;
};

const sink = spawn(
  'smtp-sink',
  [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), `127.0.0.1:${sinkPort}`, '1000'],
  {
    stdio: 'ignore',
  },
);
await until(sinkPort, true);
const measured = new Map<string, { rate: number; cpu: number }[]>(contenders.map(({ name }) => [name, []]));
try {
  for (let round = 0; round < rounds; round++) {
    for (const { name, start, port: at } of contenders) {
      const child = start?.();
      await until(at, true);
      await load(at, messages / 4);
      const before = child?.pid === undefined ? 0 : cpuSecondsOf(child.pid);
      const seconds = await load(at, messages);
      const cpu = child?.pid === undefined ? 0 : cpuSecondsOf(child.pid) - before;
      measured.get(name)?.push({ rate: messages / seconds, cpu: (cpu / messages) * 1e6 });
      if (child !== undefined) {
        child.kill();
        await until(at, false);
      }
    }
  }
} finally {
  sink.kill();
}
const rows = contenders.map(({ name }) => {
  const all = measured.get(name) ?? [];
  return [
    name,
    Math.round(medianOf(all.map(({ rate }) => rate))).toLocaleString('en'),
    medianOf(all.map(({ cpu }) => cpu)).toFixed(0),
  ];
});
console.log(`### Gate: ${describeMachine()}\n`);
console.log(
  `Medians of ${rounds} rounds of ${messages.toLocaleString('en')} sessions, ${connections} at once, 4 kB each.\n`,
);
console.log(tableOf([['server', 'sessions/s', 'CPU µs a session'], ...rows]));
const measure = (start: string): { rate: number; cpu: number } => {
  const all = contenders.flatMap(({ name }) => (name.startsWith(start) ? (measured.get(name) ?? []) : []));
  return { rate: medianOf(all.map(({ rate }) => rate)), cpu: medianOf(all.map(({ cpu }) => cpu)) };
};
const [gate, haraka, smtpServer] = ['postern', 'Haraka', 'smtp-server'].map(measure);
if (peers.length > 0 && gate && haraka && smtpServer)
  console.log(
    `\n${tableOf([
      ['postern gate against', 'goal', 'measured'],
      ['Haraka, sessions/s', '>= 3', (gate.rate / haraka.rate).toFixed(1)],
      ['Haraka, CPU a session', '', (haraka.cpu / gate.cpu).toFixed(1)],
      ['smtp-server, sessions/s', '>= 1', (gate.rate / smtpServer.rate).toFixed(1)],
      ['smtp-server, CPU a session', '>= 1', (smtpServer.cpu / gate.cpu).toFixed(1)],
    ])}`,
  );
