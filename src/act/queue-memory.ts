/** What a deed on queued mail remembers, and the steps that holding and purging have in common. */
import { Fault } from '../model/fault.ts';
import type { Memory } from '../model/receipt.ts';
import type { LookedFile } from '../model/spool-verb.ts';
import type { CarryOut } from '../model/verb.ts';
import { queueTools } from '../servers/queue-tools.ts';
import type { Queued, QueueServer, QueueTool, Run } from '../servers/queue-tools.ts';

export type QueueWanted = {
  readonly server: QueueServer;
  /** The server's queue directory. */
  readonly spool: string;
  readonly messages: readonly Queued[];
};

export type QueueMemory = {
  readonly server: QueueServer;
  readonly spool: string;
  readonly messages: readonly Queued[];
  /** The evidence file; '' when none is kept. */
  readonly evidence: string;
};

/** Of one receipt; more is taken in several. */
export const messagesMax = 20_000;
const filesPerVerb = 2000;
const envelopeStartBytes = 2 * 1024 * 1024;
/** The program ends when all are done; an Exim that delivers meanwhile may keep it waiting. */
const programMsMax = 300_000;

export const remembered = (memory: Memory): QueueMemory & { readonly tool: QueueTool } => {
  // `memoryOf` made it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const known = memory as QueueMemory;
  return { ...known, tool: queueTools[known.server] };
};

export type Known = ReturnType<typeof remembered>;

export const inParts = <T>(all: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));

/** Runs a server's program for all of them. Its status is not believed: whoever asks looks at the queue afterwards. */
export const runFor = async (
  { spool, tool }: Pick<Known, 'spool' | 'tool'>,
  command: (spool: string, ids: readonly string[]) => Run,
  messages: readonly Queued[],
  carryOut: CarryOut,
): Promise<void> => {
  for (const part of inParts(messages, tool.idsMax)) {
    const ids = part.map(({ id }) => id);
    await carryOut({ verb: 'run', ...command(spool, ids), timeoutMs: programMsMax });
  }
};

/** The files that stand where held messages have their envelopes. */
const look = (
  { server, spool, tool }: Pick<Known, 'spool' | 'tool' | 'server'>,
  messages: readonly Queued[],
  carryOut: CarryOut,
): Promise<readonly (LookedFile | undefined)[]> => {
  const paths = messages.map((message) => tool.heldPath(spool, message));
  // Only Exim's file has to be looked into: the others are known by their place.
  return carryOut({ verb: 'look-files', paths, startBytes: server === 'exim' ? envelopeStartBytes : 0 });
};

/** @throws Fault REFUSED_FOR_SAFETY when they are too many for one receipt */
export const memoryOf = async (wanted: QueueWanted, evidence: string, carryOut: CarryOut): Promise<Memory> => {
  const { server, spool, messages } = wanted;
  if (messages.length > messagesMax)
    throw new Fault('REFUSED_FOR_SAFETY', `more than ${messagesMax} messages in one action`);
  const known: Queued[] = [];
  for (const part of inParts(messages, filesPerVerb)) {
    const looked = await look({ server, spool, tool: queueTools[server] }, part, carryOut);
    for (const [at, message] of part.entries())
      known.push({ ...message, wasThawed: queueTools[server].isThawed(looked[at]?.start ?? '') });
  }
  return { server, spool, evidence, messages: known };
};

export type Held = { readonly message: Queued; readonly isBusy: boolean };

/** Which of them are held now. */
export const heldNow = async (
  known: Pick<Known, 'spool' | 'tool' | 'server'>,
  messages: readonly Queued[],
  carryOut: CarryOut,
): Promise<readonly Held[]> => {
  const held: Held[] = [];
  for (const part of inParts(messages, filesPerVerb)) {
    const looked = await look(known, part, carryOut);
    for (const [at, message] of part.entries()) {
      const file = looked[at];
      if (file !== undefined && known.tool.isHeld(message, file.start)) held.push({ message, isBusy: file.isBusy });
    }
  }
  return held;
};

/** Lets go what was not held before the deed, so that its files are byte for byte what they were. */
export const letGo = async (memory: Known, carryOut: CarryOut): Promise<number> => {
  const { spool, tool, messages } = memory;
  const held = await heldNow(
    memory,
    messages.filter(({ wasHeld }) => !wasHeld),
    carryOut,
  );
  if (tool.freed === undefined) {
    await runFor(
      memory,
      tool.release,
      held.map(({ message }) => message),
      carryOut,
    );
    return held.length;
  }
  for (const { message } of held) {
    const path = tool.heldPath(spool, message);
    const seen = await carryOut({ verb: 'read-file', path });
    if (seen === undefined) continue;
    const text = Buffer.from(seen.bytes).toString('latin1');
    const content = Buffer.from(tool.freed(message, text), 'latin1');
    await carryOut({ verb: 'replace-file', path, expected: seen.bytes, content });
  }
  return held.length;
};

export const many = (count: number): string => `${count} message${count === 1 ? '' : 's'}`;
