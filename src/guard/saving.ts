/**
 * When the snapshot is written: every minute, and soon after what must not be forgotten. One at a time: of two at once the older
 * one might be the last, and each holds a copy of the whole table.
 */
import { errorWords } from '../model/fault.ts';
import { writeSnapshot } from './snapshot.ts';
import type { Snapshot } from './snapshot.ts';

const saveEveryMs = 60_000;
/** What was just recognised is kept at once, so that a crash forgets no standing; many in a row are kept together. */
const saveSoonMs = 1000;

export type Saving = {
  readonly soon: () => void;
  /** Resolves when what is known at the call is written, or it was said why not. */
  readonly now: () => Promise<void>;
  /** Resolves when nothing is being written, and nothing will be. */
  readonly stop: () => Promise<void>;
};

/** @param snapshotNow of the instant at which the memory is copied */
export const startSaving = (
  file: string,
  memory: SharedArrayBuffer,
  snapshotNow: () => Snapshot,
  complain: (text: string) => void,
): Saving => {
  let last: Promise<void> = Promise.resolve();
  /** Has not begun yet: whoever wants another means this one. */
  let next: Promise<void> | undefined;
  let soon: NodeJS.Timeout | undefined;

  const write = (): Promise<void> =>
    writeSnapshot(file, snapshotNow(), memory).catch((error: unknown) =>
      complain(`cannot save to ${file}: ${errorWords(error)}`),
    );
  const save = (): Promise<void> => {
    next ??= last.then(() => {
      next = undefined;
      return write();
    });
    last = next;
    return next;
  };
  const every = setInterval(() => void save(), saveEveryMs);
  return {
    now: save,
    soon: () => {
      soon ??= setTimeout(() => {
        soon = undefined;
        void save();
      }, saveSoonMs);
    },
    stop: async () => {
      clearInterval(every);
      clearTimeout(soon);
      await last;
    },
  };
};
