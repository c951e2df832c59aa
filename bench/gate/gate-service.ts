/**
 * The gate with the judge in front of a sink, in one process:
 * `gate-service.ts PORT BACKEND-PORT [GREET-PAUSE-MS] [BACKEND-HOST] [HELD-MAX] [THREADS] [received]`.
 * With the last word the client is told of in a Received line alone, and connections to the sink are kept.
 * Clients in 127.0.1.0/24 are hostile to it and held, those in 127.0.9.0/24 are hostile and sent away, as when its budget is spent.
 */
import { isMainThread, Worker } from 'node:worker_threads';
import { createMemory } from '../../src/judge/memory.ts';
import { defaultJudgeSettings } from '../../src/judge/settings.ts';
import { createAsk } from '../../src/judge/verdict.ts';
import type { Verdict } from '../../src/model/verdict.ts';
import { startGate } from '../../src/sense/gate/gate.ts';
import { defaultGateLimits } from '../../src/sense/gate/limits.ts';

const [port = 0, sinkPort = 0, greetPauseMs = 0] = process.argv.slice(2).map(Number);
const backendHost = process.argv[5] ?? '127.0.0.1';
const threads = Number(process.argv[7] ?? 1);
if (isMainThread)
  for (let more = 1; more < threads; more++)
    new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) }).on('error', console.error);
const { table } = createMemory(new SharedArrayBuffer(64 * 1024 * 1024), 7);
const isProtected = (): boolean => false;
const ask = createAsk(table, { ...defaultJudgeSettings, isProtected });
let campaigns = 0;
/** Each of a campaign of its own, so that what the gate learns about one does not send them away. */
const held = (): Verdict => ({
  kind: 'reject',
  reply: { code: '554', enhanced: '5.7.1', text: 'Refused' },
  why: [{ detector: `campaign ${++campaigns}`, subject: '', score: 1, threshold: 1 }],
});
const sentAway: Verdict = { kind: 'drop', reply: { code: '421', enhanced: '4.7.0', text: 'Closing' }, why: [] };
const verdictOn: ReadonlyMap<string, () => Verdict> = new Map<string, () => Verdict>([
  ['127.0.1.', held],
  ['127.0.9.', () => sentAway],
]);
await startGate(
  {
    listen: { host: '127.0.0.1', port, reusePort: threads > 1 },
    ask: (question) =>
      (question.stage === 'recipient' ? verdictOn.get(question.client?.slice(0, 8) ?? '')?.() : undefined) ??
      ask(question),
    tell: () => undefined,
    note: () => undefined,
    complain: (error) => console.error(error),
  },
  {
    name: 'gate.test',
    backend: {
      host: backendHost,
      port: sinkPort,
      passClient: process.argv[8] === 'received' ? 'received' : 'auto',
      replyMsMax: 300_000,
    },
    domains: ['lab.test'],
    tls: undefined,
    implicitTls: false,
    requiresAuth: false,
    proxied: false,
    limits: { ...defaultGateLimits, connectionsPerMinute: 0, connectionsAtOnce: 0 },
    allowances: [],
    relayFrom: [],
    disabled: [],
    neverLogin: [],
    greetPauseMs,
    origin: undefined,
    signature: undefined,
    patience: { commandMsMax: 300_000, messageMsMax: 1_800_000 },
    heldConnectionsMax: Number(process.argv[6] ?? 50_000),
  },
);
