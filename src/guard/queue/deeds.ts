/** From a selection of queued messages to deeds on them: one act a queue and part, each with its receipt. */
import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { perform } from '../../act/perform.ts';
import type { Desk } from '../../act/desk.ts';
import type { Done, Order } from '../../act/perform.ts';
import { queueHold } from '../../act/queue-hold.ts';
import { heldNow, inParts, messagesMax, remembered, runFor } from '../../act/queue-memory.ts';
import type { QueueWanted } from '../../act/queue-memory.ts';
import { queuePurge } from '../../act/queue-purge.ts';
import { Fault } from '../../model/fault.ts';
import type { OpenDesk } from '../desk.ts';
import type { QueuedMessage } from '../../model/queue/message.ts';
import type { CarryOut } from '../../model/verb.ts';
import type { Spool } from '../../sense/queue/spool.ts';
import { queueTools, queuedOf } from '../../servers/queue-tools.ts';
import type { Queued } from '../../servers/queue-tools.ts';

/** More is taken in a second run. */
const selectedMax = 500_000;

export type Selection = {
  readonly add: (message: QueuedMessage, spool: Spool) => void;
  readonly wanted: () => readonly QueueWanted[];
};

export const createSelection = (): Selection => {
  const bySpool = new Map<Spool, Queued[]>();
  let count = 0;
  return {
    add: (message, spool) => {
      // Of Postfix, which was asked by its listing, the id is enough.
      if (message.path === '' && spool.kind !== 'postfix')
        throw new Fault('REFUSED_FOR_SAFETY', 'the queue files may not be read: run as root');
      if (message.queue === 'lost' || ++count > selectedMax) return;
      const messages = bySpool.get(spool) ?? [];
      if (messages.length === 0) bySpool.set(spool, messages);
      messages.push(queuedOf(message));
    },
    wanted: () =>
      [...bySpool].flatMap(([{ kind, path }, messages]) =>
        inParts(messages, messagesMax).map((part) => ({ server: kind, spool: path, messages: part })),
      ),
  };
};

/**
 * Whether a message is an incident's own: it came after the incident began, or was held for it. What is older and was held
 * for another reason is not.
 */
export const ownOf = (incident: string, { incidents, receipts }: OpenDesk): ((message: QueuedMessage) => boolean) => {
  const opened = incidents.get(incident)?.opened ?? Infinity;
  const held = new Set(
    receipts
      .ofIncident(incident)
      .filter(({ kind }) => kind === 'queue-hold')
      .flatMap(({ memory }) => remembered(memory).messages.map(({ id }) => id)),
  );
  return ({ id, arrived }) => arrived >= opened || held.has(id);
};

export const hold = (wanted: QueueWanted, order: Order, desk: Desk): Promise<Done> =>
  perform(queueHold, wanted, order, desk);

const newName = (now: number): string =>
  `${new Date(now).toISOString().replaceAll(/[-:]|\.\d+Z/g, '')}-${randomInt(2 ** 32).toString(36)}.evidence`;

/** @param folder where evidence files lie */
export const purge = (wanted: QueueWanted, folder: string, order: Order, desk: Desk): Promise<Done> => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return perform(queuePurge, { ...wanted, evidence: join(folder, newName(desk.now())) }, order, desk);
};

/** @returns how many of them are held no more */
export const release = async ({ server, spool, messages }: QueueWanted, carryOut: CarryOut): Promise<number> => {
  const known = { server, spool, tool: queueTools[server] };
  const before = await heldNow(known, messages, carryOut);
  const held = before.map(({ message }) => message);
  await runFor(known, known.tool.release, held, carryOut);
  return held.length - (await heldNow(known, held, carryOut)).length;
};

/** Hands them to the server again: Postfix looks up aliases and routes anew, Exim and Sendmail try to deliver. */
export const requeue = ({ server, spool, messages }: QueueWanted, carryOut: CarryOut): Promise<void> =>
  runFor({ spool, tool: queueTools[server] }, queueTools[server].retry, messages, carryOut);
