/** Holds queued mail (Postfix's hold queue, Exim's frozen, Sendmail's quarantine). Undone: let go, as it was. */
import type { Act } from './act.ts';
import { heldNow, letGo, many, memoryOf, remembered, runFor } from './queue-memory.ts';
import type { QueueWanted } from './queue-memory.ts';

export const queueHold: Act<QueueWanted> = {
  kind: 'queue-hold',
  plan: async (wanted, carryOut) => {
    const memory = await memoryOf(wanted, '', carryOut);
    const free = remembered(memory).messages.filter(({ wasHeld }) => !wasHeld);
    const lines = free.length === 0 ? [] : [`hold ${many(free.length)} in ${wanted.server}'s queue`];
    return { subject: wanted.server, lines, memory };
  },
  carry: async (memory, carryOut) => {
    const known = remembered(memory);
    const free = known.messages.filter(({ wasHeld }) => !wasHeld);
    await runFor(known, known.tool.hold, free, carryOut);
  },
  verify: async (memory, carryOut) => {
    const known = remembered(memory);
    const held = await heldNow(known, known.messages, carryOut);
    const left = known.messages.length - held.length;
    const text = `${many(held.length)} held${left === 0 ? '' : `, ${left} had left the queue or were being delivered`}`;
    return { took: held.length > 0, text };
  },
  undo: async (memory, carryOut) => {
    const known = remembered(memory);
    const free = known.messages.filter(({ wasHeld }) => !wasHeld).length;
    const count = await letGo(known, carryOut);
    return count === free ? '' : `${free - count} of ${many(free)} were no longer held`;
  },
};
