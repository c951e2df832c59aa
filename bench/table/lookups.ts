/**
 * What the judge's memory costs, by its size: `node bench/table/lookups.ts [--rounds 5]`. Nanoseconds for one record
 * found, one missed, one placed, and for a whole verdict, each about another client than the one before, so that the
 * processor's caches help no more than they do in a guard that is asked about the whole world. Placing is into fresh
 * memory: the kernel's page faults are in it.
 */
import { parseArgs } from 'node:util';
import { tags } from '../../src/judge/detectors/tags.ts';
import { createMemory } from '../../src/judge/memory.ts';
import { defaultJudgeSettings } from '../../src/judge/settings.ts';
import { shapes } from '../../src/judge/statistics/table.ts';
import { createAsk } from '../../src/judge/verdict.ts';
import { describeMachine, medianOf, tableOf } from '../machine.ts';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(options.rounds);
const megabytes = [1, 4, 16, 64, 256];
const operations = 200_000;
const seed = 7;
const seconds = 1_790_000_000;

const subjectsOf = (first: number): readonly string[] =>
  Array.from({ length: operations }, (_, at) => {
    const bits = Math.imul(at, 0x9e3779b1) >>> 0;
    return `${first}.${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}`;
  });
const known = subjectsOf(100);
const unknown = subjectsOf(101);

const nanosecondsEach = (subjects: readonly string[], act: (subject: string) => unknown): number => {
  const began = process.hrtime.bigint();
  for (const subject of subjects) act(subject);
  return Number(process.hrtime.bigint() - began) / subjects.length;
};

const measure = (size: number): readonly number[] => {
  const { table } = createMemory(new SharedArrayBuffer(size * 1024 * 1024), seed);
  const ask = createAsk(table, defaultJudgeSettings);
  const questionAbout = (client: string): unknown =>
    ask({
      time: seconds * 1000,
      server: 'postfix',
      stage: 'recipient',
      client,
      helo: 'mail.example.org',
      account: undefined,
      sender: 's@remote.test',
      recipient: 'alice@lab.test',
    });
  const place = nanosecondsEach(known, (subject) => table.place(tags.harvest, subject, shapes.plain, seconds));
  return [
    place,
    nanosecondsEach(known, (subject) => table.find(tags.harvest, subject)),
    nanosecondsEach(unknown, (subject) => table.find(tags.harvest, subject)),
    nanosecondsEach(known, questionAbout),
    nanosecondsEach(unknown, questionAbout),
  ];
};

const measured = new Map<number, (readonly number[])[]>(megabytes.map((size) => [size, []]));
// The first round only warms the compilers.
for (let round = 0; round <= rounds; round++) {
  for (const size of megabytes) {
    const figures = measure(size);
    if (round > 0) measured.get(size)?.push(figures);
  }
}

const head = ['memory', 'place', 'find, there', 'find, not there', 'verdict, known client', 'verdict, unknown client'];
const medianAt = (runs: readonly (readonly number[])[], at: number): string =>
  `${medianOf(runs.map((figures) => figures[at] ?? Number.NaN)).toFixed(0)} ns`;
const rows = [...measured].map(([size, runs]) =>
  head.map((_, column) => (column === 0 ? `${size} MB` : medianAt(runs, column - 1))),
);
console.log(`### Lookups: ${describeMachine()}\n`);
console.log(`Medians of ${rounds} rounds of ${operations.toLocaleString('en')} operations.\n`);
console.log(tableOf([head, ...rows]));
