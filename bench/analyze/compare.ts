/**
 * How fast a log is analyzed, and with how much memory, beside others:
 *
 *   node bench/analyze/compare.ts [--rounds 5] [--lines 2000000] [--large 10000000]
 *
 * The contenders take turns in every round; medians are printed. A slow one reads the log's first part, and lines per
 * second are compared. None of them finds what another finds: pflogsumm counts mail, fail2ban-regex matches one filter
 * line by line, grep looks for a word. Needs Debian's packages pflogsumm, fail2ban (not started) and time.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, medianOf, tableOf } from '../machine.ts';
import { generateLog } from './generate.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    lines: { type: 'string', default: '2000000' },
    large: { type: 'string', default: '10000000' },
  },
});
/** More than this between the two logs, and memory grows with the log. */
const growthMax = 1.1;
const rounds = Number(options.rounds);
const lines = Number(options.lines);
const largeLines = Number(options.large);
const sampleLines = 300_000;

const scratch = mkdtempSync(join(tmpdir(), 'postern-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const logOf = (count: number): string => {
  const file = join(scratch, `${count}.log`);
  process.stderr.write(`writing ${count} lines\n`);
  generateLog(count, file);
  return file;
};
const log = logOf(lines);
const large = logOf(largeLines);
const sample = logOf(sampleLines);

const postern = join(import.meta.dirname, '../../bin/postern');
type Contender = { readonly name: string; readonly lines: number; readonly command: readonly string[] };
const ours: Contender = { name: 'postern analyze', lines, command: [postern, 'analyze', '--json', log] };
const oursLarge: Contender = {
  name: 'postern analyze, large',
  lines: largeLines,
  command: [postern, 'analyze', '--json', large],
};
const pflogsumm: Contender = { name: 'pflogsumm', lines, command: ['pflogsumm', log] };
const fail2ban: Contender = {
  name: 'fail2ban-regex',
  lines: sampleLines,
  command: ['fail2ban-regex', sample, '/etc/fail2ban/filter.d/postfix.conf'],
};
const grep: Contender = { name: 'grep -c', lines, command: ['grep', '-c', 'reject:', log] };
const contenders = [ours, oursLarge, pflogsumm, fail2ban, grep];

type Run = { readonly linesPerSecond: number; readonly cpuSeconds: number; readonly peakMegabytes: number };

/** Runs it to its end under time(1), which sees the largest of the processes that it waited for. */
const run = ({ name, lines: count, command }: Contender): Run => {
  const figures = join(scratch, 'time');
  // Not /dev/null: grep stops at its first match when nobody reads the rest.
  const output = openSync(join(scratch, 'output'), 'w');
  const began = performance.now();
  const { status } = spawnSync('/usr/bin/time', ['-o', figures, '-f', '%U %S %M', ...command], {
    stdio: ['ignore', output, 'inherit'],
  });
  const seconds = (performance.now() - began) / 1000;
  closeSync(output);
  if (status !== 0) throw new Error(`${name} ended with ${status}`);
  const [user = 0, system = 0, kilobytes = 0] = readFileSync(figures, 'utf8').split(' ').map(Number);
  return { linesPerSecond: count / seconds, cpuSeconds: user + system, peakMegabytes: kilobytes / 1024 };
};

const measured = new Map<Contender, Run[]>(contenders.map((contender) => [contender, []]));
for (let round = 0; round < rounds; round++) {
  const turn = round % contenders.length;
  for (const contender of [...contenders.slice(turn), ...contenders.slice(0, turn)]) {
    const result = run(contender);
    measured.get(contender)?.push(result);
    process.stderr.write(`round ${round + 1}: ${contender.name}: ${Math.round(result.linesPerSecond)} lines/s\n`);
  }
}

const median = (contender: Contender, key: keyof Run): number =>
  medianOf((measured.get(contender) ?? []).map((one) => one[key]));
const rows = contenders.map((contender) => [
  contender.name,
  contender.lines.toLocaleString('en'),
  Math.round(median(contender, 'linesPerSecond')).toLocaleString('en'),
  ((median(contender, 'cpuSeconds') / contender.lines) * 1e6).toFixed(2),
  median(contender, 'peakMegabytes').toFixed(0),
]);
const times = (peer: Contender): string => (median(ours, 'linesPerSecond') / median(peer, 'linesPerSecond')).toFixed(1);
const goals = [
  ['lines/s against pflogsumm', '>= 10', times(pflogsumm)],
  ['lines/s against fail2ban-regex', '>= 30', times(fail2ban)],
  ['lines/s against grep -c', '', times(grep)],
  ['peak memory, MB', '< 300', median(oursLarge, 'peakMegabytes').toFixed(0)],
  [
    `peak memory, ${largeLines / lines} times the lines`,
    `<= ${growthMax}`,
    (median(oursLarge, 'peakMegabytes') / median(ours, 'peakMegabytes')).toFixed(2),
  ],
];
console.log(`### Log analysis: ${describeMachine()}\n`);
console.log(`Medians of ${rounds} rounds.\n`);
console.log(tableOf([['program', 'lines', 'lines/s', 'CPU s per million lines', 'peak MB'], ...rows]));
console.log(`\n${tableOf([['postern', 'goal', 'measured'], ...goals])}`);
