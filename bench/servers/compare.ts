/**
 * What it costs a real server to ask at every stage: whole sessions (EHLO, MAIL, RCPT, DATA of 4 kB, QUIT) accepted a second,
 * with Postern asked and without, turn by turn in one run; the CPU time of all processes together (server, guard, load), which
 * other work on the machine does not change; and how much later a recipient is answered, while half as much mail comes as
 * was taken at most.
 *
 *   node test/run.mjs --run bench/servers/compare.ts [--rounds 5] [--share 1] [--memory] [--only WORD] [--where] [--rspamd FOLDER]
 *
 * It runs in the lab, with the lab's Postfix, Exim and Sendmail, their own limits off, the queue on a disk (`--memory`: not). The load is Postfix's `smtp-source`.
 * The guard runs as a program of its own and follows the server's log, as it does for a postmaster. Beside it stand the least
 * that a policy service can cost (in C; needs a compiler) and Rspamd (`rspamd.ts` says how to bring it).
 */
import { parseArgs } from 'node:util';
import { startWorld } from '../../test/servers/lab/world.ts';
import { cpuSecondsByThread, cpuSecondsOfAll, describeMachine, medianOf, tableOf } from '../machine.ts';
import { contendersOf, putQueuesOnDisk } from './contenders.ts';
import type { Contender } from './contenders.ts';
import { messageBytes, quantileOf, rateOf, recipientTimesUnderLoad } from './load.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    share: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    memory: { type: 'boolean', default: false },
    /** Tells of each thread what it used, in CPU microseconds a message. */
    where: { type: 'boolean', default: false },
    rspamd: { type: 'string', default: '' },
  },
});
const rounds = Number(options.rounds);
/** Of the messages that each contender names. */
const portion = Number(options.share);
const secondsUnderLoad = 3;

type Measured = {
  readonly rate: number;
  /** CPU milliseconds a message. */ readonly cpu: number;
  /** The same by thread, in microseconds. */ readonly where: ReadonlyMap<string, number>;
  readonly p50: number;
  readonly p99: number;
};
type Figure = Exclude<keyof Measured, 'where'>;

if (!options.memory) await putQueuesOnDisk();

const measure = async (contender: Contender, asks: boolean): Promise<Measured> => {
  await using world = await startWorld();
  await using stack = new AsyncDisposableStack();
  await using server = await contender.start(world, asks);
  if (asks) stack.use(await contender.startAsked(server.log));
  const target = { address: server.address, recipient: contender.recipient };
  const messages = Math.ceil(contender.messages * portion);
  await rateOf(target, messages); // warm
  const before = cpuSecondsOfAll();
  const whereBefore = cpuSecondsByThread();
  const rate = await rateOf(target, messages);
  const cpu = ((cpuSecondsOfAll() - before) * 1000) / messages;
  const where = new Map(
    [...cpuSecondsByThread()].map(([name, seconds]) => [
      name,
      ((seconds - (whereBefore.get(name) ?? 0)) * 1e6) / messages,
    ]),
  );
  const times = await recipientTimesUnderLoad(target, rate / 2, secondsUnderLoad);
  return { rate, cpu, where, p50: quantileOf(times, 0.5), p99: quantileOf(times, 0.99) };
};

const rows: string[][] = [
  [
    'server, hook',
    'messages/s',
    'asked',
    'ratio',
    'CPU ms',
    'asked',
    'ratio',
    'RCPT p50 ms',
    'asked',
    'p99 ms',
    'asked',
  ],
];

/** Threads that take less than this are not told. */
const toldMicrosecondsMin = 5;
const tellWhere = (name: string, without: readonly Measured[], asked: readonly Measured[]): void => {
  const names = new Set([...without, ...asked].flatMap(({ where }) => [...where.keys()]));
  const of = (all: readonly Measured[], thread: string): number =>
    medianOf(all.map((one) => one.where.get(thread) ?? 0));
  const body = [...names]
    .map((thread) => ({ thread, before: of(without, thread), after: of(asked, thread) }))
    .filter(({ before, after }) => Math.max(before, after) >= toldMicrosecondsMin)
    .toSorted((a, b) => b.after - b.before - (a.after - a.before))
    .map(({ thread, before, after }) => [thread, ...[before, after, after - before].map((cell) => cell.toFixed(0))]);
  process.stderr.write(`\n${tableOf([[`${name}: CPU us a message`, 'not asked', 'asked', 'more'], ...body])}\n\n`);
};

const chosen = contendersOf(options.rspamd).filter(({ name }) => name.includes(options.only));
for (const contender of chosen) {
  const without: Measured[] = [];
  const asked: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    // The order changes, so that neither always comes first.
    for (const asks of round % 2 === 0 ? [false, true] : [true, false])
      (asks ? asked : without).push(await measure(contender, asks));
  }
  const median = (all: readonly Measured[], of: Figure): number => medianOf(all.map((one) => one[of]));
  const pair = (of: Figure, digits: number): readonly string[] =>
    [without, asked].map((all) => median(all, of).toFixed(digits));
  rows.push([
    contender.name,
    ...pair('rate', 0),
    (median(asked, 'rate') / median(without, 'rate')).toFixed(2),
    ...pair('cpu', 2),
    (median(without, 'cpu') / median(asked, 'cpu')).toFixed(2),
    ...pair('p50', 2),
    ...pair('p99', 2),
  ]);
  process.stderr.write(`${rows.at(-1)?.join('  ') ?? ''}\n`);
  if (options.where) tellWhere(contender.name, without, asked);
}

console.log(`### Servers that ask: ${describeMachine()}\n`);
console.log(
  `Medians of ${rounds} rounds; messages of ${messageBytes} bytes, 8 sessions at once; recipients timed at half of each rate; load, server and guard share the machine; queue ${options.memory ? 'in memory' : 'on disk'}.\n`,
);
console.log(tableOf(rows));
