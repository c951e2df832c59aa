/**
 * How fast Postfix's questions are answered, beside others:
 *
 *   node bench/policy/compare.ts [--rounds 5] [--seconds 4]
 *
 * Every contender is started afresh in every round, the order turns with the rounds, and the medians are printed. The
 * load (`load.c`, 20 connections with one request in flight each) shares the machine with the service: a machine of its
 * own would show more. Needs a C compiler (gcc, or what CC names), and Debian's package postfwd.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { accepts } from '../accepts.ts';
import { cpuSecondsOf, describeMachine, medianOf, tableOf } from '../machine.ts';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '4' } },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
/** The just-in-time compilers need a while under load. */
const warmSeconds = 2;
const connections = 20;
const clients = 200_000;
const port = 19_040;
const startMsMax = 20_000;

const here = import.meta.dirname;
const scratch = mkdtempSync(join(tmpdir(), 'postern-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const compile = (name: string): string => {
  const program = join(scratch, name);
  execFileSync(process.env['CC'] ?? 'gcc', ['-O2', '-o', program, join(here, `${name}.c`)], { stdio: 'inherit' });
  return program;
};
const load = compile('load');
const epollService = compile('epoll-service');

/** One rule, for each client a count; so high that it never refuses. */
const rules = join(scratch, 'postfwd.cf');
writeFileSync(
  rules,
  'id=RATE; protocol_state==RCPT; action=rate(client_address/1000/3600/450 4.7.1 too many requests)\n',
);
const pidFile = join(scratch, 'postfwd.pid');
const id = (option: string): string => execFileSync('id', [option], { encoding: 'utf8' }).trim();
/** As Debian's /etc/default/postfwd starts it; without a log, which only speeds it up. */
const postfwd =
  `--daemon --perfmon --file ${rules} --interface 127.0.0.1 --port ${port} --user ${id('-un')} --group ${id('-gn')}
  --pidfile ${pidFile} --summary=600 --cache=600 --cache-rdomain-only --cache-no-size`.split(/\s+/);

type Contender = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly pidFile?: string;
};
const node = (script: string, ...args: readonly (string | number)[]): Pick<Contender, 'command' | 'args'> => ({
  command: process.execPath,
  args: [join(here, script), `${port}`, ...args.map(String)],
});
const threads = availableParallelism();
const ours = `postern, ${threads} threads`;
const oursAlone = 'postern, 1 thread';
const contenders: readonly Contender[] = [
  { name: ours, ...node('postern-service.ts', threads, clients) },
  { name: oursAlone, ...node('postern-service.ts', 1, clients) },
  { name: 'postfwd', command: '/usr/sbin/postfwd1', args: postfwd, pidFile },
  { name: 'bare Node', ...node('bare-service.ts') },
  { name: 'bare C (epoll)', command: epollService, args: [`${port}`] },
];

type Round = {
  rate: number;
  cpuPerMillion: number;
  refusedShare: number;
  loadCpuShare: number;
  p50us: number;
  p99us: number;
};

/** What the load printed, by name. @param rate 0: as fast as the answers come */
const runLoad = (forSeconds: number, rate: number): ((figure: string) => number) => {
  const args = [port, connections, forSeconds, rate, clients].map(String);
  const output = execFileSync(load, args, { encoding: 'utf8' });
  const figures = new Map(output.split('\n').map((line) => [line.split(' ')[0], Number(line.split(' ')[1])]));
  return (figure) => figures.get(figure) ?? Number.NaN;
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (wanted: boolean, name: string): Promise<void> => {
  const deadline = Date.now() + startMsMax;
  while ((await accepts(port)) !== wanted) {
    if (Date.now() > deadline) throw new Error(`${name} ${wanted ? 'does not listen' : 'still listens'} on ${port}`);
    await pause(50);
  }
};

const measure = async ({ name, command, args, pidFile: file }: Contender): Promise<Round> => {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await until(true, name);
  const pid = file === undefined ? child.pid : Number(readFileSync(file, 'utf8'));
  if (pid === undefined) throw new Error(`${command} did not start`);
  try {
    runLoad(warmSeconds, 0);
    const before = cpuSecondsOf(pid);
    const peak = runLoad(seconds, 0);
    const used = cpuSecondsOf(pid) - before;
    const rate = peak('answers') / peak('seconds');
    const half = runLoad(seconds, rate / 2);
    return {
      rate,
      cpuPerMillion: (used / peak('answers')) * 1e6,
      refusedShare: peak('refused') / peak('answers'),
      loadCpuShare: peak('cpuSeconds') / peak('seconds'),
      p50us: half('p50us'),
      p99us: half('p99us'),
    };
  } finally {
    process.kill(pid);
    await until(false, name);
  }
};

const measured = new Map<string, Round[]>(contenders.map(({ name }) => [name, []]));
for (let round = 0; round < rounds; round++) {
  const turn = round % contenders.length;
  for (const contender of [...contenders.slice(turn), ...contenders.slice(0, turn)]) {
    const result = await measure(contender);
    measured.get(contender.name)?.push(result);
    process.stderr.write(`round ${round + 1}: ${contender.name}: ${Math.round(result.rate)} answers/s\n`);
  }
}

const median = (name: string, key: keyof Round): number =>
  medianOf((measured.get(name) ?? []).map((round) => round[key]));
const rows = contenders.map(({ name }) => [
  name,
  Math.round(median(name, 'rate')).toLocaleString('en'),
  median(name, 'cpuPerMillion').toFixed(1),
  median(name, 'p50us').toFixed(0),
  median(name, 'p99us').toFixed(0),
  `${(median(name, 'refusedShare') * 100).toFixed(1)} %`,
  median(name, 'loadCpuShare').toFixed(2),
]);
const head = [
  'service',
  'answers/s',
  'CPU s per million',
  'p50 µs at half',
  'p99 µs at half',
  'not DUNNO',
  "load's cores",
];
const goals = [
  ['postfwd, rate', '>= 30', (median(ours, 'rate') / median('postfwd', 'rate')).toFixed(1)],
  [
    'postfwd, CPU per decision',
    '>= 25',
    (median('postfwd', 'cpuPerMillion') / median(ours, 'cpuPerMillion')).toFixed(1),
  ],
  ['bare Node, rate, one thread each', '>= 0.60', (median(oursAlone, 'rate') / median('bare Node', 'rate')).toFixed(2)],
  ['p99 at half of the peak, ms', '< 1', (median(ours, 'p99us') / 1000).toFixed(2)],
];
console.log(`### Policy service: ${describeMachine()}\n`);
console.log(
  `Medians of ${rounds} rounds of ${seconds} s; ${connections} connections, ${clients.toLocaleString('en')} clients.\n`,
);
console.log(`${tableOf([head, ...rows])}\n\n${tableOf([['postern against', 'goal', 'measured'], ...goals])}`);
