/**
 * What an attack costs good clients: how long they wait for each answer while nobody attacks and while 1,000 hostile sessions
 * a second come, turn by turn on one running server, with nobody asked and with Postern asked. Load, attackers, server and
 * guard are programs of their own on the same cores.
 *
 *   node test/run.mjs --run bench/servers/attack.ts [--rounds 5] [--hostile 1000] [--good 50] [--seconds 4] [--only WORD]
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runCommand } from '../../test/servers/lab/daemon.ts';
import { startWorld } from '../../test/servers/lab/world.ts';
import { cpuSecondsOfAll, describeMachine, medianOf, tableOf } from '../machine.ts';
import { contendersOf, putQueuesOnDisk } from './contenders.ts';
import type { Contender } from './contenders.ts';
import type { Good } from './good.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    hostile: { type: 'string', default: '1000' },
    good: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string', default: 'Postfix' },
  },
});
const seconds = Number(options.seconds);
/** The attack begins so long before good clients are timed, and ends so long after. */
const aheadSeconds = 1;

const run = (program: string, words: readonly string[]): Promise<string> =>
  runCommand(process.execPath, [join(import.meta.dirname, program), ...words]);

type Hostile = { readonly perSecond: number; readonly answers: Readonly<Record<string, number>> };

const goodClients = async (address: string, recipient: string): Promise<Good> =>
  // What our own program printed.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  JSON.parse(await run('good.ts', [address, recipient, options.good, String(seconds)])) as Good;

const attackers = async (address: string): Promise<Hostile> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same
  JSON.parse(await run('hostile.ts', [address, options.hostile, String(seconds + 2 * aheadSeconds)])) as Hostile;

const rows: string[][] = [
  [
    'server, hook',
    'hostile/s',
    'CPU us each',
    'refused how',
    'good refused',
    'answer p50 ms',
    'attacked',
    'p99 ms',
    'attacked',
    'times',
    'greeting p99 ms',
    'attacked',
    'RCPT p99 ms',
    'attacked',
  ],
];

const measure = async (contender: Contender, asks: boolean): Promise<void> => {
  await using world = await startWorld();
  await using stack = new AsyncDisposableStack();
  await using server = await contender.start(world, asks);
  if (asks) stack.use(await contender.startAsked(server.log));
  const { recipient } = contender;
  await goodClients(server.address, recipient); // They are known then.
  const quiet: Good[] = [];
  const attacked: Good[] = [];
  const hostile: Hostile[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    quiet.push(await goodClients(server.address, recipient));
    const before = cpuSecondsOfAll();
    const attack = attackers(server.address);
    await pause(aheadSeconds * 1000);
    attacked.push(await goodClients(server.address, recipient));
    const came = await attack;
    hostile.push(came);
    const sessions = Object.values(came.answers).reduce((sum, count) => sum + count, 0);
    cpu.push(((cpuSecondsOfAll() - before) * 1e6) / sessions);
  }
  const median = (all: readonly Good[], of: keyof Good): number => medianOf(all.map((one) => one[of]));
  const pair = (of: keyof Good): readonly string[] => [quiet, attacked].map((all) => median(all, of).toFixed(2));
  const refusals = Object.entries(hostile.at(-1)?.answers ?? {}).map(([code, count]) => `${code}: ${count}`);
  const goodSum = (of: 'sessions' | 'refused'): number => attacked.reduce((sum, one) => sum + one[of], 0);
  rows.push([
    asks ? contender.name : `${contender.name.split(',')[0]}, nobody asked`,
    medianOf(hostile.map(({ perSecond }) => perSecond)).toFixed(0),
    medianOf(cpu).toFixed(0),
    refusals.join(', '),
    `${goodSum('refused')} of ${goodSum('sessions')}`,
    ...pair('p50'),
    ...pair('p99'),
    (median(attacked, 'p99') / median(quiet, 'p99')).toFixed(1),
    ...pair('greetingP99'),
    ...pair('rcptP99'),
  ]);
  process.stderr.write(`${rows.at(-1)?.join('  ') ?? ''}\n`);
};

await putQueuesOnDisk();
const attackedOnes = contendersOf('').filter(({ name }) => /, (?:policy|milter)$/.test(name) && !name.includes(' to '));
const chosen = attackedOnes.filter(({ name }) => name.includes(options.only));
for (const [at, contender] of chosen.entries())
  for (const asks of at === 0 ? [false, true] : [true]) await measure(contender, asks);

console.log(`### Servers under attack: ${describeMachine()}\n`);
console.log(
  `${options.hostile} hostile sessions a second were started, from 500 addresses; ${options.good} good ones, from 10. Medians of ${options.rounds} rounds of ${seconds} s, with and without attack turn by turn. CPU is that of all together, attackers and good ones with it.\n`,
);
console.log(tableOf(rows));
