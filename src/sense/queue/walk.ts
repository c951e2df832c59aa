/** Every message of a spool, told one by one: memory is one message's, whatever the queue's size. */
import { setImmediate as giveWay } from 'node:timers/promises';
import { Fault } from '../../model/fault.ts';
import type { QueuedMessage } from '../../model/queue/message.ts';
import { spoolEntries } from './entries.ts';
import type { Entry } from './entries.ts';
import { isGone } from './files.ts';
import type { Spool } from './spool.ts';

export type Walked = {
  messages: number;
  /** Left while the queue was read, or still being written: normal in a queue that is alive. */
  moving: number;
  damagedCount: number;
  /** The first of them, each with the reason. */
  readonly damaged: { readonly id: string; readonly why: string }[];
};

export type WalkOptions = {
  readonly onProgress?: ((walked: Walked, total?: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Awaited now and then: whoever prints waits here for a slow reader. */
  readonly drained?: (() => Promise<void>) | undefined;
};

const damagedShownMax = 100;
/** So many files are read at a stretch, about two milliseconds; then whatever else this thread does has its turn. */
const stretch = 128;
/** qmgr_message_active_limit is 20,000; who moves on from there while we read is not told twice. */
const movedOnMax = 200_000;

/** How many messages there seem to be: names only, for a progress bar. */
export const countEntries = (spool: Spool): number => {
  let count = 0;
  for (const entry of spoolEntries(spool)) if (entry.id !== '') count++;
  return count;
};

export const emptyWalk = (): Walked => ({ messages: 0, moving: 0, damagedCount: 0, damaged: [] });

export const noteDamaged = (walked: Walked, id: string, why: string): void => {
  walked.damagedCount++;
  if (walked.damaged.length < damagedShownMax) walked.damaged.push({ id, why });
};

const readEntry = (entry: Entry, walked: Walked): QueuedMessage | undefined => {
  try {
    const result = entry.read();
    if (result === undefined) walked.moving++;
    else if (result.kind === 'message') return result.message;
    else noteDamaged(walked, entry.id, result.why);
  } catch (error) {
    if (!isGone(error)) throw error;
    walked.moving++;
  }
  return undefined;
};

const unreadable = (spool: Spool, error: unknown): unknown => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code !== 'EACCES' && code !== 'EPERM') return error;
  return new Fault('INPUT_UNREADABLE', `cannot read the queue below ${spool.path}: permission denied (run as root)`, {
    cause: error,
  });
};

/** @throws Fault INPUT_UNREADABLE when the queue may not be read */
export const walkSpool = async (
  spool: Spool,
  tell: (message: QueuedMessage) => void,
  { onProgress, signal, drained }: WalkOptions = {},
): Promise<Walked> => {
  const walked = emptyWalk();
  const early = new Set<string>();
  let sinceBreak = 0;
  try {
    for (const entry of spoolEntries(spool)) {
      if (++sinceBreak === stretch) {
        sinceBreak = 0;
        onProgress?.(walked);
        await drained?.();
        await giveWay();
        if (signal?.aborted === true) break;
      }
      if (early.has(entry.id)) continue;
      const message = readEntry(entry, walked);
      if (message === undefined) continue;
      if ((message.queue === 'incoming' || message.queue === 'active') && early.size < movedOnMax)
        early.add(message.id);
      walked.messages++;
      tell(message);
    }
  } catch (error) {
    throw unreadable(spool, error);
  }
  return walked;
};
