/**
 * Takes mail out of the queue. First everything is held, so that nothing is delivered any more; then what is held and not
 * being delivered is kept whole in an evidence file; only then it is removed. Undone: put back held, noted, let go: a crash
 * anywhere neither loses a message nor lets one be delivered twice.
 */
import { Fault } from '../model/fault.ts';
import type { CarryOut } from '../model/verb.ts';
import type { Queued } from '../servers/queue-tools.ts';
import type { Act } from './act.ts';
import { heldNow, inParts, letGo, many, memoryOf, remembered, runFor } from './queue-memory.ts';
import type { Known, QueueWanted } from './queue-memory.ts';

export type PurgeWanted = QueueWanted & {
  /** The evidence file, which does not exist yet. */
  readonly evidence: string;
};

/**
 * Notes in the evidence: from here on messages leave the queue; how many are out of it; that what was put back must not be
 * put back again.
 */
const removing = 'removing';
const purged = 'purged';
const restored = 'restored';
/** Four or fewer files each. */
const messagesPerVerb = 1000;

const filesOf = ({ spool, tool }: Known, messages: readonly Queued[]): readonly string[] =>
  messages.flatMap((message) => tool.files(spool, message));

/** Removes what is kept. Where a server has no command for it, the envelope goes first: a text alone is no message. */
const remove = async (known: Known, messages: readonly Queued[], carryOut: CarryOut): Promise<void> => {
  const { tool, evidence } = known;
  if (tool.remove !== undefined) return runFor(known, tool.remove, messages, carryOut);
  for (const part of inParts(messages, messagesPerVerb)) {
    const paths = part.flatMap((message) => tool.files(known.spool, message).toReversed());
    await carryOut({ verb: 'remove-kept', evidence, paths });
  }
};

const carry: Act<PurgeWanted>['carry'] = async (memory, carryOut) => {
  const known = remembered(memory);
  const { evidence, messages, tool } = known;
  await runFor(
    known,
    tool.hold,
    messages.filter(({ wasHeld }) => !wasHeld),
    carryOut,
  );
  const quiet = (await heldNow(known, messages, carryOut))
    .filter(({ isBusy }) => !isBusy)
    .map(({ message }) => message);
  for (const part of inParts(quiet, messagesPerVerb))
    await carryOut({ verb: 'keep-files', evidence, paths: filesOf(known, part), notes: [] });
  // Somebody who opened a file before it was held shows by now.
  const still = (await heldNow(known, quiet, carryOut)).filter(({ isBusy }) => !isBusy).map(({ message }) => message);
  await carryOut({ verb: 'keep-files', evidence, paths: [], notes: [[removing, String(still.length)]] });
  await remove(known, still, carryOut);
  const stuck = await heldNow(known, still, carryOut);
  if (stuck.length > 0) throw new Fault('PARTLY_DONE', `${many(stuck.length)} could not be removed from the queue`);
  await carryOut({ verb: 'keep-files', evidence, paths: [], notes: [[purged, String(still.length)]] });
  const gone = new Set(still.map(({ id }) => id));
  await letGo({ ...known, messages: messages.filter(({ id }) => !gone.has(id)) }, carryOut);
};

export const queuePurge: Act<PurgeWanted> = {
  kind: 'queue-purge',
  plan: async (wanted, carryOut) => {
    const { server, evidence, messages } = wanted;
    const lines =
      messages.length === 0
        ? []
        : [
            `hold ${many(messages.length)} in ${server}'s queue, so that none is delivered meanwhile`,
            `keep each whole in ${evidence}`,
            'remove from the queue what is kept',
          ];
    return { subject: server, lines, memory: await memoryOf(wanted, evidence, carryOut) };
  },
  carry,
  verify: async (memory, carryOut) => {
    const { evidence, messages } = remembered(memory);
    const noted = async (name: string): Promise<string | undefined> =>
      (await carryOut({ verb: 'restore-kept', evidence, paths: [], unlessNoted: name })).note;
    if ((await noted(restored)) !== undefined) return { took: false, text: 'they were put back' };
    const note = await noted(purged);
    if (note === undefined) return { took: false, text: 'not all of them were removed from the queue' };
    const left = messages.length - Number(note);
    const rest = left === 0 ? '' : `, ${left} had left it or were being delivered`;
    return { took: true, text: `${many(Number(note))} taken out of the queue${rest}; kept in ${evidence}` };
  },
  mayUndo: async (memory, carryOut) => {
    const { evidence } = remembered(memory);
    const [kept] = await carryOut({ verb: 'look-files', paths: [evidence], startBytes: 0 });
    if (kept === undefined)
      throw new Fault('REFUSED_FOR_SAFETY', `${evidence} is gone: what was purged cannot be put back`);
  },
  undo: async (memory, carryOut) => {
    const known = remembered(memory);
    const { evidence, messages } = known;
    const begun = await carryOut({ verb: 'restore-kept', evidence, paths: [], unlessNoted: removing });
    if (begun.note === undefined) {
      // Nothing has left the queue by us: nothing is put back, and nothing need be written on a disk that may be full.
      await letGo(known, carryOut);
      return '';
    }
    for (const part of inParts(messages, messagesPerVerb)) {
      const paths = filesOf(known, part);
      await carryOut({ verb: 'restore-kept', evidence, paths, unlessNoted: restored });
    }
    // From here on what is not in the queue has been delivered, and is never put back again.
    await carryOut({ verb: 'keep-files', evidence, paths: [], notes: [[restored, 'all']] });
    const missing = messages.length - (await heldNow(known, messages, carryOut)).length;
    await letGo(known, carryOut);
    return missing === 0 ? '' : `${many(missing)} had left the queue before it was purged`;
  },
};
