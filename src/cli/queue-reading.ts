/** What the commands on queues have in common: which spools, the condition, progress, Ctrl-C, and what went wrong. */
import { chosenSpools, walkQueues } from '../guard/queue/walk.ts';
import type { QueueWalk } from '../guard/queue/walk.ts';
import { ownersIn, withOwner } from '../guard/queue/trace.ts';
import type { Owner } from '../guard/queue/trace.ts';
import { Fault, faultCodes } from '../model/fault.ts';
import { readCondition } from '../model/queue/condition.ts';
import type { Condition } from '../model/queue/fields.ts';
import type { QueuedMessage } from '../model/queue/message.ts';
import { plain } from '../show/text/plain.ts';
import type { Spool } from '../sense/queue/spool.ts';
import type { Call } from './command.ts';
import { createCounter } from './progress.ts';
import { startReading } from './reading.ts';

const complaintsShown = 10;

export type Walked = QueueWalk & { readonly interrupted: boolean };

/** All messages when there is no `--where`. */
export const conditionOf = (call: Call): Condition => {
  const text = call.options.get('where');
  return text === undefined ? () => true : readCondition(text);
};

/** The spools that `--spool` names, or those that are found. */
export const spoolsOf = (call: Call): readonly Spool[] => {
  const named = call.options.get('spool');
  const spools = chosenSpools(named === undefined ? [] : named.split(','));
  if (spools.length > 0) return spools;
  throw new Fault(
    'INPUT_UNREADABLE',
    'no queue of Postfix, Exim or Sendmail was found: name its directory with --spool',
  );
};

/** Who handed in what, from the logs that `--log` names. */
const ownersOf = async (call: Call): Promise<ReadonlyMap<string, Owner>> => {
  const named = call.options.get('log');
  if (named === undefined) return new Map();
  const reading = startReading(call, named.split(','));
  return ownersIn(reading.options).finally(reading.done);
};

/** Walks with a progress bar; Ctrl-C ends it early. */
export const walk = async (
  call: Call,
  tell: (message: QueuedMessage, spool: Spool) => void,
  drained?: () => Promise<void>,
): Promise<Walked> => {
  const spools = spoolsOf(call);
  const owners = await ownersOf(call);
  const meter = createCounter(process.stderr);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  try {
    const walked = await walkQueues(spools, (message, spool) => tell(withOwner(message, owners), spool), {
      onProgress: ({ messages }, total) => meter.show(messages, total),
      withTotal: process.stderr.isTTY === true,
      signal: stop.signal,
      drained,
    });
    return { ...walked, interrupted: stop.signal.aborted };
  } finally {
    process.off('SIGINT', interrupt);
    meter.clear();
  }
};

const complaints = ({ damaged, damagedCount, notes, interrupted }: Walked): readonly string[] => [
  ...notes,
  ...damaged.slice(0, complaintsShown).map(({ id, why }) => `${id} cannot be read: ${why}`),
  ...(damagedCount > complaintsShown ? [`${damagedCount} queue files in all cannot be read`] : []),
  ...(interrupted ? ['interrupted: this is only the part that was read'] : []),
];

/** Says what went wrong. @returns the exit status */
export const finish = (call: Call, walked: Walked): number => {
  if (!call.options.has('json'))
    for (const text of complaints(walked)) process.stderr.write(`postern: ${plain(text)}\n`);
  return walked.interrupted ? faultCodes.PARTLY_DONE : 0;
};
