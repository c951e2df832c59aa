/**
 * Does the guard read what the server writes down? A marked session that was refused stands in the server's log, under our
 * name or in our words: the guard notes that it read the line, and the check looks for the note and at the line's time.
 */
import type { Event } from '../../model/event.ts';
import { notProven, proven, wrong } from './finding.ts';
import type { Finding } from './finding.ts';
import { loggedOf, noteLogged, waitForNotes } from './heard.ts';
import { readMark, wordsOf } from './probe.ts';
import type { Probe } from './probe.ts';

/** A session that was refused, and the milliseconds since 1970 at which it began. */
export type Refused = { readonly probe: Probe; readonly began: number };

const waitMs = 10_000;
/** Stamps of whole seconds are cut, and a second passes while a line is written. */
const clockOffMsMax = 2000;

/** Sendmail's log has no HELO name in a refusal, but the words. */
const wordsPattern = new RegExp(wordsOf('([0-9a-f]{10})'));

/**
 * Notes a log's event of a marked session.
 * @returns true when it is one by its name, and so no evidence; words alone can be anybody's
 */
export const readsMarked = (key: Uint8Array, file: string, event: Event): boolean => {
  const mark = readMark(key, event.helo, event.time) ?? readMark(key, event.account, event.time);
  // Only we put off in these words.
  const words = event.outcome === 'deferred' ? event.text : undefined;
  const nonce = mark?.nonce ?? (words === undefined ? undefined : wordsPattern.exec(words)?.[1]);
  if (nonce !== undefined) noteLogged(file, { nonce, server: event.server, time: event.time });
  return mark !== undefined;
};

/** @param id of the finding */
export const proveLogged = async (id: string, file: string, refused: Refused | undefined): Promise<Finding> => {
  if (refused === undefined) return notProven(id, 'no session was refused in our words, so that no log line is known');
  const { nonce } = refused.probe;
  const [logged] = await waitForNotes(
    () => loggedOf(file, nonce),
    (lines) => lines.length > 0,
    waitMs,
  );
  if (logged === undefined)
    return notProven(
      id,
      `the guard read no line of it within ${waitMs / 1000} s: does it follow this server's log? (logs in the configuration)`,
    );
  const tooEarlyMs = refused.began - logged.time;
  const offMs = tooEarlyMs > 0 ? tooEarlyMs : Math.max(0, logged.time - Date.now());
  return offMs > clockOffMsMax
    ? wrong(
        id,
        `the guard read it, but its time is ${Math.round(offMs / 1000)} s off: is the zone right? (zone in the configuration)`,
      )
    : proven(id, 'the guard read it in the log');
};
