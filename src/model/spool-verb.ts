/**
 * The verbs for files of mail queues: many at once, because a flood has thousands. What is taken out of a queue is first
 * kept in an evidence file (docs/queue.md has its format), and only what is kept is removed or put back.
 */
import type { FileFacts } from './verb.ts';

export type LookedFile = {
  readonly sizeBytes: number;
  readonly facts: FileFacts;
  /** Its first bytes, one character a byte. */
  readonly start: string;
  /** Somebody holds a lock on it: it is being delivered. */
  readonly isBusy: boolean;
};

export type SpoolVerb =
  /** A file that is not there is undefined. */
  | { readonly verb: 'look-files'; readonly paths: readonly string[]; readonly startBytes: number }
  /** Appends whole files to an evidence file and is on disk when it answers; true for each that was there. */
  | {
      readonly verb: 'keep-files';
      readonly evidence: string;
      readonly paths: readonly string[];
      /** Texts that are kept beside them, by name. */
      readonly notes: readonly (readonly [string, string])[];
    }
  /** Removes those whose bytes are the kept ones; true for each that is gone now. */
  | { readonly verb: 'remove-kept'; readonly evidence: string; readonly paths: readonly string[] }
  /** Puts back what is not there, never over a file; nothing at all when the evidence holds the note `unlessNoted`. */
  | {
      readonly verb: 'restore-kept';
      readonly evidence: string;
      readonly paths: readonly string[];
      readonly unlessNoted: string;
    };

export type SpoolAnswer<V extends SpoolVerb> = V extends { verb: 'look-files' }
  ? readonly (LookedFile | undefined)[]
  : V extends { verb: 'keep-files' | 'remove-kept' }
    ? readonly boolean[]
    : /** How many files were put back, and the text of the note if it is there. */
      { readonly count: number; readonly note: string | undefined };
