/**
 * How fast statistics are updated, and that memory stays flat: `node bench/table/updates.ts [--rounds 3]`. Beside a Map of
 * objects with the same fields, the obvious way, which grows with every address. One thread; names are made before the clock runs.
 */
import { parseArgs } from 'node:util';
import { createMemory } from '../../src/judge/memory.ts';
import { addContact } from '../../src/judge/statistics/ratio-test.ts';
import { describeMachine, medianOf, tableOf } from '../machine.ts';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } });
const rounds = Number(options.rounds);
const mebibyte = 1024 * 1024;
const batch = 100_000;
const limits = { floor: -8, floorEstablished: -20 };
const startSeconds = 1_790_000_000;

const addressOf = (client: number): string => {
  const bits = Math.imul(client, 0x9e3779b1) >>> 0;
  return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
};

type Update = (subject: string, statistic: number, seconds: number) => void;

const inTable = (): Update => {
  const { table } = createMemory(new SharedArrayBuffer(64 * mebibyte), 7);
  return (subject, statistic, seconds) => void addContact(table, statistic, subject, seconds, 2.77, limits);
};
const inMap = (): Update => {
  type Record = { score: number; good: number; bad: number; last: number; days: number };
  const records = new Map<string, Record>();
  return (subject, statistic, seconds) => {
    const key = `${statistic} ${subject}`;
    const record = records.get(key);
    if (record === undefined) records.set(key, { score: 2.77, good: 0, bad: 1, last: seconds, days: 0 });
    else {
      record.score = Math.min(25, record.score * 2 ** (-(seconds - record.last) / 86_400) + 2.77);
      record.bad++;
      record.last = seconds;
    }
  };
};

type Load = { readonly name: string; readonly updates: number; readonly distinct: number; readonly statistics: number };
const loads: readonly Load[] = [
  { name: '200,000 addresses, 4 statistics each', updates: 8e6, distinct: 2e5, statistics: 4 },
  { name: '200,000 addresses, 1 statistic each', updates: 2e6, distinct: 2e5, statistics: 1 },
  { name: '10 million addresses, 4 statistics each', updates: 4e7, distinct: 1e7, statistics: 4 },
  { name: '10 million addresses, 1 statistic each', updates: 1e7, distinct: 1e7, statistics: 1 },
];
/** A Map holds at most 2^24 entries, and the heap holds fewer: it is not asked for 40 million. */
const mapUpdatesMax = 8e6;

const millionsPerSecond = (update: Update, { updates, distinct, statistics }: Load): number => {
  let nanoseconds = 0n;
  const subjects = updates / statistics;
  for (let first = 0; first < subjects; first += batch) {
    const names = Array.from({ length: batch }, (_, at) => addressOf((first + at) % distinct));
    const seconds = startSeconds + Math.floor(first / batch);
    const began = process.hrtime.bigint();
    for (const name of names)
      for (let statistic = 0; statistic < statistics; statistic++) update(name, statistic, seconds);
    nanoseconds += process.hrtime.bigint() - began;
  }
  return (updates / Number(nanoseconds)) * 1000;
};

const measured = loads.map(() => ({ table: [] as number[], map: [] as number[] }));
for (let round = 0; round < rounds; round++) {
  for (const [at, load] of loads.entries()) {
    measured[at]?.table.push(millionsPerSecond(inTable(), load));
    if (load.updates <= mapUpdatesMax) measured[at]?.map.push(millionsPerSecond(inMap(), load));
  }
}

const figure = (values: readonly number[]): string => (values.length === 0 ? '' : medianOf(values).toFixed(1));
const head = ['load', 'table, M updates/s', 'Map of objects, M updates/s', 'goal'];
console.log(`### Updates of the table: ${describeMachine()}\n`);
console.log(`Medians of ${rounds} rounds; a table of 64 MiB, 28 bytes a subject and statistic (goal: at most 32).\n`);
console.log(
  tableOf([
    head,
    ...loads.map(({ name }, at) => [name, figure(measured[at]?.table ?? []), figure(measured[at]?.map ?? []), '>= 5']),
  ]),
);
console.log(
  `\nPeak memory of the whole run, with the names and the Map: ${Math.round(process.resourceUsage().maxRSS / 1024)} MB.`,
);
