/**
 * Addresses and networks in Postern's own nftables table: blocked, or let through whatever is blocked around them. The
 * kernel ends a block by itself, so a crash blocks nobody for ever. (nft(8); model/firewall.ts says what the table is.)
 */
import { Fault } from '../model/fault.ts';
import { firewallSubject, isTooWide, keysListed, keysOf, removalLines, setOf, tableLines } from '../model/firewall.ts';
import type { FirewallVerdict } from '../model/firewall.ts';
import type { Memory, Receipt } from '../model/receipt.ts';
import type { CarryOut, Ran } from '../model/verb.ts';
import type { Act, Plan, Proof } from './act.ts';

export type FirewallWanted = {
  /** An address or network as somebody typed it. */
  readonly subject: string;
  /** Milliseconds since 1970; the kernel ends it then. */
  readonly until: number;
  /** The kernel ends it then, unless somebody has said yes until then: it is done again, to its own end. */
  readonly confirmBy?: number | undefined;
};

type Remembered = { readonly subject: string; readonly until: number; readonly confirmBy?: number };
/** `planFor` below made it. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const remembered = (memory: Memory): Remembered => memory as Remembered;

/** Up to so many keys are asked for one by one, which costs the same at any size of the set; more by one listing. */
const probesMax = 8;

const nft = async (carryOut: CarryOut, args: readonly string[], input = ''): Promise<Ran> =>
  carryOut({ verb: 'run', program: 'nft', args, input });

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';

const load = async (carryOut: CarryOut, lines: readonly string[]): Promise<void> => {
  const { status, stderr } = await nft(carryOut, ['-f', '-'], `${lines.join('\n')}\n`);
  if (status !== 0) throw new Fault('PARTLY_DONE', `nft refused the change, nothing was done: ${firstLine(stderr)}`);
};

/** Keys by set, each once, with the latest end. */
const keysBySet = (verdict: FirewallVerdict, memories: readonly Memory[]): Map<string, Map<string, number>> => {
  const sets = new Map<string, Map<string, number>>();
  for (const { subject, until, confirmBy } of memories.map(remembered)) {
    const { length, keys } = keysOf(subject);
    const name = setOf(verdict, length);
    const set = sets.get(name) ?? new Map<string, number>();
    sets.set(name, set);
    for (const key of keys) set.set(key, Math.max(confirmBy ?? until, set.get(key) ?? 0));
  }
  return sets;
};

const elements = (word: string, set: string, items: readonly string[]): string =>
  `${word} element inet postern ${set} { ${items.join(', ')} }`;

/**
 * Add, delete, add: on older kernels adding an element again keeps its old timeout, and deleting one that is not there
 * fails the whole transaction.
 */
const removal = (set: string, keys: readonly string[]): string[] => [
  elements('add', set, keys),
  elements('delete', set, keys),
];

const carryLines = (verdict: FirewallVerdict, memories: readonly Memory[], now: number): string[] =>
  [...keysBySet(verdict, memories)].flatMap(([set, keys]) => {
    const timed = [...keys].map(([key, until]) => `${key} timeout ${Math.max(1, Math.ceil((until - now) / 1000))}s`);
    return [...removal(set, [...keys.keys()]), elements('add', set, timed)];
  });

/** `create` in a trial run fails exactly when the key is there: no listing, and nothing is changed. */
const isThere = async (carryOut: CarryOut, set: string, key: string): Promise<boolean> => {
  const { status, stderr } = await nft(carryOut, ['-c', '-f', '-'], `${elements('create', set, [key])}\n`);
  return status !== 0 && stderr.includes('File exists');
};

const present = async (carryOut: CarryOut, set: string, keys: readonly string[]): Promise<ReadonlySet<string>> => {
  if (keys.length <= probesMax) {
    const found: string[] = [];
    for (const key of keys) if (await isThere(carryOut, set, key)) found.push(key);
    return new Set(found);
  }
  const { status, stdout } = await nft(carryOut, ['-j', 'list', 'set', 'inet', 'postern', set]);
  return status === 0 ? keysListed(stdout) : new Set();
};

const verifyAll = async (
  verdict: FirewallVerdict,
  memories: readonly Memory[],
  carryOut: CarryOut,
): Promise<Proof[]> => {
  const found = new Map<string, ReadonlySet<string>>();
  for (const [set, keys] of keysBySet(verdict, memories))
    found.set(set, await present(carryOut, set, [...keys.keys()]));
  return memories.map((memory) => {
    const { length, keys } = keysOf(remembered(memory).subject);
    const took = keys.every((key) => found.get(setOf(verdict, length))?.has(key) === true);
    return { took, text: took ? 'it is in the kernel' : `the kernel does not have ${remembered(memory).subject}` };
  });
};

const undoAll = async (verdict: FirewallVerdict, memories: readonly Memory[], carryOut: CarryOut): Promise<void> => {
  const sets = keysBySet(verdict, memories);
  await load(carryOut, [...tableLines, ...[...sets].flatMap(([set, keys]) => removal(set, [...keys.keys()]))]);
};

const refuse = (text: string): never => {
  throw new Fault('REFUSED_FOR_SAFETY', text);
};

/** In a trial run: tells a host without nft, without rights, or with a kernel that lacks something. */
const ready = async (carryOut: CarryOut): Promise<void> => {
  const { status, stderr } = await nft(carryOut, ['-c', '-f', '-'], `${tableLines.join('\n')}\n`);
  if (status !== 0)
    throw new Fault(
      'CONFIG',
      `nftables does not work here (${firstLine(stderr)}): run as root, on a kernel with nf_tables`,
    );
};

const planFor = async (verdict: FirewallVerdict, wanted: FirewallWanted, carryOut: CarryOut): Promise<Plan> => {
  const subject = firewallSubject(wanted.subject);
  if (subject === undefined)
    throw new Fault('USAGE', `${wanted.subject}: expected an address or a network (203.0.113.7, 2001:db8::/48)`);
  if (isTooWide(subject, verdict)) refuse(`${subject} is too wide: name smaller networks`);
  if (verdict === 'block') {
    const [protection] = await carryOut({ verb: 'who-protects', subjects: [subject] });
    if (protection !== undefined) refuse(`${subject} is not blocked: ${protection.network} is ${protection.why}`);
  }
  const { until, confirmBy } = wanted;
  // In the zone of whoever reads, as everywhere beside it; Swedish writes 2026-11-21 03:12:00.
  const clockOf = (time: number): string => new Date(time).toLocaleString('sv-SE');
  const unless = confirmBy === undefined ? '' : `; already at ${clockOf(confirmBy)} unless it is confirmed`;
  const words =
    verdict === 'block' ? 'drop what comes to a mail port from' : 'let through, whatever is blocked around it,';
  return {
    subject,
    lines: [
      `nftables, table inet postern: ${words} ${subject}, until ${clockOf(until)} (the kernel ends it by itself)${unless}`,
    ],
    memory: { subject, until, ...(confirmBy === undefined ? {} : { confirmBy }) },
  };
};

const firewallAct = (kind: 'firewall-block' | 'allowance', verdict: FirewallVerdict): Act<FirewallWanted> => {
  const carryAll = (memories: readonly Memory[], carryOut: CarryOut): Promise<void> =>
    load(carryOut, [...tableLines, ...carryLines(verdict, memories, Date.now())]);
  return {
    kind,
    renews: true,
    ready,
    plan: (wanted, carryOut) => planFor(verdict, wanted, carryOut),
    carry: (memory, carryOut) => carryAll([memory], carryOut),
    verify: async (memory, carryOut) => {
      const [proof] = await verifyAll(verdict, [memory], carryOut);
      return proof ?? { took: false, text: 'nothing to verify' };
    },
    undo: async (memory, carryOut) => {
      await undoAll(verdict, [memory], carryOut);
      return '';
    },
    repairs: true,
    drifts: 'watched',
    atOnce: {
      carry: carryAll,
      verify: (memories, carryOut) => verifyAll(verdict, memories, carryOut),
      undo: async (memories, carryOut) => {
        await undoAll(verdict, memories, carryOut);
        return '';
      },
    },
  };
};

export const firewallBlock = firewallAct('firewall-block', 'block');
export const allowance = firewallAct('allowance', 'allow');

/** The end that was wanted of what waits to be confirmed; undefined when it does not wait. */
export const confirmable = ({ memory, state, kind }: Receipt): FirewallWanted | undefined => {
  if (state !== 'done' || (kind !== 'firewall-block' && kind !== 'allowance')) return undefined;
  const { subject, until, confirmBy } = remembered(memory);
  return confirmBy === undefined ? undefined : { subject, until };
};

/** Takes our table away, and everything in it; what others have in the firewall is not touched. */
export const removeTable = (carryOut: CarryOut): Promise<void> => load(carryOut, removalLines);
