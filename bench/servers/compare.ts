/**
 * What it costs a real server to ask at every stage: whole sessions (EHLO, MAIL, RCPT, DATA of 4 kB, QUIT) accepted a second,
 * with Postern asked and without, turn by turn in one run; the CPU time of all processes together (server, guard, load), which
 * other work on the machine does not change; and how much later a recipient is answered.
 *
 *   node test/run.mjs --run bench/servers/compare.ts [--rounds 5] [--share 1] [--memory] [--only WORD] [--where]
 *
 * It runs in the lab, with the lab's Postfix, Exim and Sendmail, their own limits off, the queue on a disk (`--memory`: not). The load is Postfix's `smtp-source`.
 * The guard runs as a program of its own and follows the server's log, as it does for a postmaster.
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { awaitPorts } from '../../test/servers/lab/await.ts';
import { runCommand, startDaemon } from '../../test/servers/lab/daemon.ts';
import { attachExim } from '../../test/servers/lab/exim-hook.ts';
import { startExim } from '../../test/servers/lab/exim.ts';
import { startPostfix } from '../../test/servers/lab/postfix.ts';
import { startSendmail } from '../../test/servers/lab/sendmail.ts';
import { startWorld } from '../../test/servers/lab/world.ts';
import type { World } from '../../test/servers/lab/world.ts';
import { setUpPostfix } from '../../src/servers/postfix/setup.ts';
import { cpuSecondsByThread, cpuSecondsOfAll, describeMachine, medianOf, tableOf } from '../machine.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    share: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    memory: { type: 'boolean', default: false },
    /** Tells of each thread what it used, in CPU microseconds a message. */
    where: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
/** Of the messages that each contender names. */
const portion = Number(options.share);
const sessions = 8;
const messageBytes = 4096;
const recipientsPerSession = 10;
const sessionsTimed = 30;

type Running = { readonly address: string; readonly log: string } & AsyncDisposable;
type Contender = {
  readonly name: string;
  readonly recipient: string;
  /** So many that a round takes a second or more. */
  readonly messages: number;
  readonly start: (world: World, asks: boolean) => Promise<Running>;
};

/** Nothing of the server's own stands in the way of a client, and what is accepted costs nothing more. */
const unlimited = {
  smtpd_client_connection_count_limit: '0',
  smtpd_client_connection_rate_limit: '0',
  smtpd_client_message_rate_limit: '0',
  smtpd_client_recipient_rate_limit: '0',
  smtpd_recipient_restrictions: '',
  smtpd_data_restrictions: '',
  virtual_transport: 'discard:',
};

/** What `postern setup postfix` writes, as parameters. */
const policyParameters = (): Record<string, string> => {
  const endpoints = { policy: '127.0.0.1:10040', milter: '', readsocket: '', authPolicy: '' };
  const change = setUpPostfix('', endpoints, 3);
  const lines = change.kind === 'changed' ? change.lines.join('\n').replaceAll(',\n    ', ', ').split('\n') : [];
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(' =')), line.slice(line.indexOf('= ') + 2)]),
  );
};

const milterAt = (port: number): Record<string, string> => ({
  smtpd_milters: `{ inet:127.0.0.1:${port}, connect_timeout=2s, command_timeout=5s, default_action=accept }`,
});

const postfixWith =
  (asking: () => Record<string, string>) =>
  async (world: World, asks: boolean): Promise<Running> => {
    const postfix = await startPostfix({ mainCf: { ...unlimited, ...(asks ? asking() : {}) } });
    return { ...postfix, log: world.log.iso };
  };

const eximLimits = (config: string): string =>
  config
    .replace(/\n {2}defer ratelimit[^]*?(?=\n {2}accept)/, '')
    .replace('smtp_accept_max_per_host = 5', 'queue_only = true')
    .replace(/\n {2}deny set acl_m_quota[^]*?(?=\n {2}require verify)/, '');

const contenders: readonly Contender[] = [
  { name: 'Postfix, policy', recipient: 'alice@lab.test', messages: 5000, start: postfixWith(policyParameters) },
  { name: 'Postfix, milter', recipient: 'alice@lab.test', messages: 5000, start: postfixWith(() => milterAt(10_041)) },
  {
    name: 'Exim, readsocket',
    recipient: 'alice@lab.test',
    messages: 400,
    start: async (_world, asks) => {
      const attach = attachExim('127.0.0.1:10042');
      const exim = await startExim({ edit: (config) => (asks ? attach(eximLimits(config)) : eximLimits(config)) });
      return { ...exim, log: exim.mainLog };
    },
  },
  {
    name: 'Sendmail, milter',
    recipient: 'laba@mx.lab.test',
    messages: 400,
    start: async (world, asks) => {
      const filter =
        "INPUT_MAIL_FILTER(`postern', `S=local:/run/postern-bench/milter.sock, T=C:2s;S:2s;R:5s;E:30s')dnl\n";
      const sendmail = await startSendmail(`define(\`confDELIVERY_MODE', \`queueonly')dnl\n${asks ? filter : ''}`);
      return { ...sendmail, log: world.log.iso };
    },
  },
];

const startPostern = async (log: string): Promise<AsyncDisposable> => {
  // Sendmail asks through a unix socket in the state directory.
  const state = '/run/postern-bench';
  mkdirSync(state, { recursive: true, mode: 0o755 });
  const config = join(state, 'postern.yaml');
  writeFileSync(config, `state: ${state}\nlogs: [${log}]\njudge:\n  learning: '0'\n`);
  const daemon = startDaemon(
    'postern',
    process.execPath,
    ['src/cli/main.ts', 'run', '--config', config].map((word) =>
      word.replace('src/', join(import.meta.dirname, '../../src/')),
    ),
  );
  await daemon.until(awaitPorts('127.0.0.1', [10_040, 10_041, 10_042]));
  return {
    [Symbol.asyncDispose]: async () => {
      await daemon.stop();
      rmSync(state, { recursive: true });
    },
  };
};

/** Accepted messages a second. */
const rateOf = async (address: string, recipient: string, messages: number): Promise<number> => {
  const before = performance.now();
  await runCommand('smtp-source', [
    '-s',
    String(sessions),
    '-m',
    String(messages),
    '-l',
    String(messageBytes),
    '-f',
    's@remote.test',
    '-t',
    recipient,
    `${address}:25`,
  ]);
  return messages / ((performance.now() - before) / 1000);
};

/** How long each RCPT waits for its answer in a short session, in milliseconds. */
const recipientTimes = async (address: string, recipient: string): Promise<readonly number[]> => {
  const socket = connect({ port: 25, host: address, noDelay: true });
  let heard = '';
  let wake = (): void => {};
  socket.on('data', (bytes) => {
    heard += bytes.toString('latin1');
    wake();
  });
  socket.on('close', () => wake());
  const say = async (line: string): Promise<void> => {
    heard = '';
    if (line !== '') socket.write(`${line}\r\n`);
    while (!/^\d{3} .*\r\n/m.test(heard)) {
      if (socket.destroyed) throw new Error(`${address} hung up at ${line}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
    if (!/^[23]/.test(heard)) throw new Error(`${line}: ${heard}`);
  };
  await once(socket, 'connect');
  for (const line of ['', 'EHLO bench.test', 'MAIL FROM:<s@remote.test>']) await say(line);
  const times: number[] = [];
  for (let at = 0; at < recipientsPerSession; at++) {
    const before = performance.now();
    await say(`RCPT TO:<${recipient}>`);
    times.push(performance.now() - before);
  }
  socket.destroy();
  return times;
};

type Measured = {
  readonly rate: number;
  /** CPU milliseconds a message. */ readonly cpu: number;
  /** The same by thread, in microseconds. */ readonly where: ReadonlyMap<string, number>;
  readonly p50: number;
  readonly p99: number;
};
type Figure = Exclude<keyof Measured, 'where'>;
const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(sorted.length * share)] ?? Number.NaN;

/** As on a real server the queue is on a disk: the lab's is in memory, where a message costs nothing to keep. */
const putQueuesOnDisk = async (): Promise<void> => {
  const scratch = mkdtempSync(join(tmpdir(), 'postern-queues-'));
  process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
  for (const name of ['postfix', 'exim4', 'mqueue']) {
    const [disk, place] = [join(scratch, name), join('/var/spool', name)];
    for (const folder of [disk, place]) mkdirSync(folder, { recursive: true });
    await runCommand('mount', ['--bind', disk, place]);
  }
};
if (!options.memory) await putQueuesOnDisk();

const measure = async (contender: Contender, asks: boolean): Promise<Measured> => {
  await using world = await startWorld();
  await using stack = new AsyncDisposableStack();
  await using server = await contender.start(world, asks);
  if (asks) stack.use(await startPostern(server.log));
  const messages = Math.ceil(contender.messages * portion);
  await rateOf(server.address, contender.recipient, Math.ceil(messages / 2)); // warm
  const before = cpuSecondsOfAll();
  const whereBefore = cpuSecondsByThread();
  const rate = await rateOf(server.address, contender.recipient, messages);
  const cpu = ((cpuSecondsOfAll() - before) * 1000) / messages;
  const where = new Map(
    [...cpuSecondsByThread()].map(([name, seconds]) => [
      name,
      ((seconds - (whereBefore.get(name) ?? 0)) * 1e6) / messages,
    ]),
  );
  const times: number[] = [];
  for (let session = 0; session < sessionsTimed; session++)
    times.push(...(await recipientTimes(server.address, contender.recipient)));
  times.sort((a, b) => a - b);
  return { rate, cpu, where, p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
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
  const told = [...names]
    .map((thread) => ({ thread, before: of(without, thread), after: of(asked, thread) }))
    .filter(({ before, after }) => Math.max(before, after) >= toldMicrosecondsMin)
    .toSorted((a, b) => b.after - b.before - (a.after - a.before));
  const body = told.map(({ thread, before, after }) =>
    [thread, before, after, after - before].map((cell) => (typeof cell === 'number' ? cell.toFixed(0) : cell)),
  );
  process.stderr.write(`\n${tableOf([[`${name}: CPU us a message`, 'not asked', 'asked', 'more'], ...body])}\n\n`);
};

const chosen = contenders.filter(({ name }) => name.includes(options.only));
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
  `Medians of ${rounds} rounds; messages of ${messageBytes} bytes, ${sessions} sessions at once; load, server and guard share the machine; queue ${options.memory ? 'in memory' : 'on disk'}.\n`,
);
console.log(tableOf(rows));
