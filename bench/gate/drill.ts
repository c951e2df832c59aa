/**
 * The drill: what does each answer teach a harvester that takes another address whenever its connection is ended, and
 * asks on while it is answered? Truthful answers (there, not there) for each attacker and hour:
 *
 *   node bench/gate/drill.ts [--attackers 10] [--seconds 15]
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createJudge } from '../../src/judge/judge.ts';
import { createMemory } from '../../src/judge/memory.ts';
import { defaultJudgeSettings } from '../../src/judge/settings.ts';
import { createAsk } from '../../src/judge/verdict.ts';
import type { Ask } from '../../src/model/ports.ts';
import type { Verdict } from '../../src/model/verdict.ts';
import { createReplyReader } from '../../src/protocols/smtp/reply.ts';
import { startGate } from '../../src/sense/gate/gate.ts';
import { defaultGateLimits } from '../../src/sense/gate/limits.ts';
import { describeMachine, tableOf } from '../machine.ts';

const { values: options } = parseArgs({
  options: { attackers: { type: 'string', default: '10' }, seconds: { type: 'string', default: '15' } },
});
const attackers = Number(options.attackers);
const seconds = Number(options.seconds);
const host = '127.0.0.1';
const port = 19_030;

const isRefusal = ({ kind }: Verdict): boolean => kind === 'defer' || kind === 'drop' || kind === 'reject';
const sendAway: Verdict = { kind: 'drop', reply: { code: '421', enhanced: '4.7.0', text: 'Closing' }, why: [] };
let campaigns = 0;
/** Each a campaign of its own: nothing is learned, and all are held. */
const hold = (): Verdict => ({
  kind: 'reject',
  reply: { code: '554', enhanced: '5.7.1', text: 'Refused' },
  why: [{ detector: `campaign ${++campaigns}`, subject: '', score: 1, threshold: 1 }],
});

type Way = { readonly name: string; readonly answer: (verdict: Verdict) => Verdict; readonly sendsAway: boolean };
const ways: readonly Way[] = [
  { name: 'no judge', answer: () => ({ kind: 'accept', why: [] }), sendsAway: false },
  {
    name: 'sent away at the first doubt',
    answer: (verdict) => (isRefusal(verdict) ? sendAway : verdict),
    sendsAway: true,
  },
  { name: 'held at the first doubt', answer: (verdict) => (isRefusal(verdict) ? hold() : verdict), sendsAway: false },
  { name: 'the gate as it is', answer: (verdict) => verdict, sendsAway: false },
];

type Tally = { truthful: number; answers: number; addresses: number };

/** One session from one address: asks until the connection ends, or the time is over. */
const harvest = async (address: string, until: number, tally: Tally): Promise<void> => {
  const socket = connect({ host, port, localAddress: address });
  const over = setTimeout(() => socket.destroy(), Math.max(0, until - Date.now()));
  const reader = createReplyReader();
  let step = 0;
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    for (const heard of reader.read(bytes.toString('latin1'))) {
      if (heard === 'garbage') return void socket.destroy();
      if (step > 2) {
        tally.answers++;
        // What the judge says carries a reference and is the same for every name.
        if ((heard.code === 250 || heard.code === 550) && !heard.lines.join(' ').includes('ref=')) tally.truthful++;
      }
      const line =
        step === 0 ? 'EHLO bot.test' : step === 1 ? 'MAIL FROM:<s@remote.test>' : `RCPT TO:<guess${step}@lab.test>`;
      step++;
      socket.write(`${line}\r\n`);
    }
  });
  await once(socket, 'close').catch(() => undefined);
  clearTimeout(over);
};

const play = async ({ answer, sendsAway }: Way): Promise<Tally> => {
  const memory = createMemory(new SharedArrayBuffer(64 * 1024 * 1024), 7);
  const settings = { ...defaultJudgeSettings, isProtected: () => false };
  const judge = createJudge(memory, settings);
  const ask: Ask = createAsk(memory.table, settings);
  const folder = mkdtempSync(join(tmpdir(), 'postern-drill-'));
  const gate = await startGate(
    {
      listen: { host, port },
      ask: (question) => answer(ask(question)),
      tell: (event) => judge.tell(event),
      note: () => undefined,
      complain: (error) => console.error(error),
    },
    {
      name: 'gate.test',
      backend: {
        directory: folder,
        domains: new Set(['lab.test']),
        mailboxes: new Set(['alice']),
        messageBytesMax: 1_000_000,
        mailboxBytesMax: 0,
        defersOverQuota: false,
      },
      domains: ['lab.test'],
      tls: undefined,
      implicitTls: false,
      requiresAuth: false,
      proxied: false,
      limits: { ...defaultGateLimits, connectionsPerMinute: 0, connectionsAtOnce: 0, errorsPerConnection: 0 },
      allowances: [],
      relayFrom: [],
      disabled: [],
      neverLogin: [],
      greetPauseMs: 0,
      origin: undefined,
      signature: undefined,
      patience: { commandMsMax: 300_000, messageMsMax: 1_800_000 },
      heldConnectionsMax: sendsAway ? 0 : 1000,
    },
  );
  const tally: Tally = { truthful: 0, answers: 0, addresses: 0 };
  const until = Date.now() + seconds * 1000;
  await Promise.all(
    Array.from({ length: attackers }, async (_, attacker) => {
      for (let turn = 0; Date.now() < until; turn++) {
        tally.addresses++;
        await harvest(`127.${20 + attacker}.${(turn >> 8) & 255}.${turn & 255 || 1}`, until, tally);
      }
    }),
  );
  await gate.stop();
  rmSync(folder, { recursive: true });
  return tally;
};

const rows: string[][] = [];
for (const way of ways) {
  const { truthful, answers, addresses } = await play(way);
  const perHour = (count: number): string => Math.round((count / attackers / seconds) * 3600).toLocaleString('en');
  rows.push([way.name, perHour(truthful), perHour(answers), perHour(addresses)]);
}
console.log(`### Gate, the drill: ${describeMachine()}\n`);
console.log(
  `${attackers} harvesters for ${seconds} s; each takes another address when its connection ends. For each attacker and hour:\n`,
);
console.log(tableOf([['answer', 'truthful answers', 'answers', 'addresses'], ...rows]));
process.exit(0);
