/**
 * What a block costs: `unshare --net node bench/firewall/blocks.ts [--rounds 3]` (root; the network namespace keeps it away
 * from the machine's own firewall). Ours is the whole way: plan, receipts on disk, kernel, verification, receipts again.
 * Beside it a shell and nft for each address, which is how fail2ban's
 * nftables action adds and removes.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { firewallBlock, removeTable } from '../../src/act/firewall.ts';
import { performAll } from '../../src/act/perform.ts';
import { openDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import type { Receipt } from '../../src/model/receipt.ts';
import { describeMachine, medianOf, tableOf } from '../machine.ts';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } });
const rounds = Number(options.rounds);
const batch = 10_000;
const singly = 300;
const more = 90_000;

const addresses = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${first}.${at >> 16}.${(at >> 8) & 255}.${at & 255}`);

const seconds = async (work: () => unknown): Promise<number> => {
  const began = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - began) / 1e9;
};

const receiptsOf = (count: number): Receipt[] =>
  addresses(9, count).map((subject, at) => ({
    id: `B${at}`,
    kind: 'firewall-block',
    subject,
    memory: { subject, until: 0 },
    state: 'open',
    made: 0,
    until: 0,
    incident: undefined,
    who: 'bench',
    why: 'bench',
    note: '',
  }));

type Figures = Readonly<Record<'each' | 'ours' | 'oneOf10k' | 'oneOf100k' | 'receipts', number>>;

const measure = async (): Promise<Figures> => {
  const state = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const desk = openDesk(state, { carryOut: createCarryOut(createAllowance()) });
  const until = Date.now() + 3600_000;
  const order = { who: 'bench', why: 'bench', until, incident: undefined };
  const block = (subjects: readonly string[]): Promise<unknown> =>
    performAll(
      firewallBlock,
      subjects.map((subject) => ({ subject, until })),
      order,
      desk,
    );
  await block(['8.8.8.8']);
  const each = await seconds(() => {
    for (const address of addresses(7, singly))
      execFileSync('/bin/sh', ['-c', `nft add element inet postern block32 '{ ${address} timeout 3600s }'`]);
  });
  const ours = await seconds(() => block(addresses(20, batch)));
  const oneOf10k = await seconds(() => block(['8.8.8.9']));
  await block(addresses(21, more));
  await block(['8.8.8.11']); // the kernel still tidies up after the ninety thousand
  const oneOf100k = await seconds(() => block(['8.8.8.10']));
  const receipts = await seconds(() => desk.receipts.add(receiptsOf(batch)));
  await removeTable(desk.carryOut);
  desk.close();
  rmSync(state, { recursive: true });
  return { each: each / singly, ours: ours / batch, oneOf10k, oneOf100k, receipts: batch / receipts };
};

const all: Figures[] = [];
for (let round = 0; round < rounds; round++) all.push(await measure());
const median = (name: keyof Figures): number => medianOf(all.map((figures) => figures[name]));

console.log(`### Firewall: ${describeMachine()}\n`);
console.log(`Medians of ${rounds} rounds.\n`);
console.log(
  tableOf([
    ['what', 'measured'],
    ['sh -c nft for each address, per address', `${(median('each') * 1e6).toFixed(0)} µs`],
    ['ours, 10,000 at once, per address', `${(median('ours') * 1e6).toFixed(0)} µs`],
    ['times faster (goal: 100)', (median('each') / median('ours')).toFixed(0)],
    ['one more, 10,000 in the set', `${(median('oneOf10k') * 1e3).toFixed(1)} ms`],
    ['one more, 100,000 in the set', `${(median('oneOf100k') * 1e3).toFixed(1)} ms`],
    ['receipts a second, in batches (goal: 20,000)', median('receipts').toFixed(0)],
  ]),
);
