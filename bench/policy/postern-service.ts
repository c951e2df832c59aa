/**
 * Our policy service with the judge, as the guard runs it: threads that share one table of statistics.
 * `postern-service.ts PORT THREADS CLIENTS`: of the load's CLIENTS addresses every second has delivered mail before, and
 * one in a hundred has guessed recipients; so the judge finds records, good ones and bad ones.
 */
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { createJudge } from '../../src/judge/judge.ts';
import { createMemory } from '../../src/judge/memory.ts';
import { defaultJudgeSettings } from '../../src/judge/settings.ts';
import { createAsk } from '../../src/judge/verdict.ts';
import { draftEvent } from '../../src/model/event.ts';
import type { Event } from '../../src/model/event.ts';
import { startPolicy } from '../../src/sense/hooks/policy.ts';

const memoryBytes = 64 * 1024 * 1024;
const seed = 7;

/** The address that `load.c` gives this client. */
const addressOf = (client: number): string => {
  const part = (power: number): string => `1${String(Math.floor(client / power) % 100).padStart(2, '0')}`;
  return [1_000_000, 10_000, 100, 1].map(part).join('.');
};

const about = (time: number, client: number, recipient: string): Event => ({
  ...draftEvent(time, 'postfix', 'recipient'),
  client: addressOf(client),
  sender: 's@remote.test',
  recipient,
});

/** Yesterday's mail, told in order. */
const learn = (memory: ReturnType<typeof createMemory>, clients: number): void => {
  const judge = createJudge(memory, defaultJudgeSettings);
  const now = Date.now();
  const yesterday = now - 86_400_000;
  for (let client = 0; client < clients; client += 2) {
    const time = yesterday + (client / clients) * 86_000_000;
    judge.tell({
      ...about(time, client, `user${client % 1000}@lab.test`),
      kind: 'delivery',
      outcome: 'sent',
      remote: false,
    });
  }
  for (let client = 1; client < clients; client += 100) {
    for (let guess = 0; guess < 5; guess++) {
      judge.tell({ ...about(now - 1000, client, `guess${guess}@lab.test`), outcome: 'unknown', dsn: '5.1.1' });
    }
  }
};

const [port = 0, threads = 1, clients = 0] = process.argv.slice(2).map(Number);
if (isMainThread) {
  const memory = createMemory(new SharedArrayBuffer(memoryBytes), seed);
  learn(memory, clients);
  const startThread = (): Worker =>
    new Worker(new URL(import.meta.url), { argv: process.argv.slice(2), workerData: memory.buffer });
  for (let thread = 0; thread < threads; thread++) startThread();
} else if (workerData instanceof SharedArrayBuffer) {
  const { table } = createMemory(workerData, seed);
  await startPolicy({
    listen: { host: '127.0.0.1', port, reusePort: true },
    ask: createAsk(table, defaultJudgeSettings),
    complain: (error) => console.error(error),
  });
}
