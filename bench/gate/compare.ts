/**
 * Whole sessions (EHLO, MAIL, RCPT, DATA of 4 kB, QUIT) through the gate to a sink that answers at once, beside the sink
 * alone and beside the npm package `smtp-server`, which takes mail and forwards nothing:
 *
 *   node bench/gate/compare.ts [--rounds 3] [--messages 4000]
 *
 * Load and sink are Postfix's `smtp-source` and `smtp-sink`. The peer is installed into a temporary folder; where that does
 * not work its row is left out, and the bench says so. One thread; load, sink and contender share the machine's cores.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuSecondsOf, describeMachine, medianOf, tableOf } from '../machine.ts';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, messages: { type: 'string', default: '4000' } },
});
const rounds = Number(options.rounds);
const messages = Number(options.messages);
const connections = 20;
const sinkPort = 19_125;
const port = 19_025;
const peer = 'smtp-server@3.18.1';

const scratch = mkdtempSync(join(tmpdir(), 'postern-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const hasPeer = (): boolean => {
  try {
    writeFileSync(join(scratch, 'package.json'), '{}');
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', peer], {
      cwd: scratch,
      stdio: 'ignore',
    });
    writeFileSync(
      join(scratch, 'peer.cjs'),
      `const { SMTPServer } = require('smtp-server');
new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'], disableReverseLookup: true, logger: false,
  onData: (stream, session, done) => { stream.on('data', () => {}); stream.on('end', done); } }).listen(${port}, '127.0.0.1');`,
    );
    return true;
  } catch {
    return false;
  }
};

const accepts = async (at: number): Promise<boolean> => {
  const socket = connect(at, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};
const until = async (at: number, wanted: boolean): Promise<void> => {
  for (let turn = 0; (await accepts(at)) !== wanted; turn++) {
    if (turn > 200) throw new Error(`port ${at} ${wanted ? 'does not answer' : 'still answers'}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

type Contender = { readonly name: string; readonly start: (() => ChildProcess) | undefined; readonly port: number };
const contenders: Contender[] = [
  { name: 'smtp-sink alone (C)', start: undefined, port: sinkPort },
  {
    name: 'postern gate, to smtp-sink',
    start: () =>
      spawn(process.execPath, [join(import.meta.dirname, 'gate-service.ts'), `${port}`, `${sinkPort}`], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    port,
  },
];
if (hasPeer())
  contenders.push({
    name: `${peer}, forwards nothing`,
    start: () => spawn(process.execPath, [join(scratch, 'peer.cjs')], { stdio: ['ignore', 'ignore', 'inherit'] }),
    port,
  });
else console.log(`${peer} cannot be installed here: its row is left out.`);

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
