/** What the guard heard and read of marked sessions, a line each, in the state directory: it writes, `postern check` reads. */
import { appendFileSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ServerName } from '../../model/event.ts';
import type { AskingHook } from './probe.ts';

export type Heard = {
  readonly nonce: string;
  readonly hook: AskingHook;
  readonly server: ServerName;
  /** The stage that was asked about; `quit` and `report` are only told, and `account`: at MAIL, who has logged in. */
  readonly stage: string;
};

const fileBytesMax = 64 * 1024;

export const heardFile = (state: string): string => join(state, 'check.heard');

/** A line of a server's log that tells of a marked session. */
export type Logged = {
  readonly nonce: string;
  readonly server: ServerName;
  /** Milliseconds since 1970, by the line. */
  readonly time: number;
};

export const loggedFile = (state: string): string => join(state, 'check.logged');

/** The file begins anew when it is full: what it holds is read within seconds. What cannot be noted is not proven. */
const note = (file: string, fact: Heard | Logged): void => {
  try {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > fileBytesMax) truncateSync(file);
    appendFileSync(file, `${JSON.stringify(fact)}\n`, { mode: 0o640 });
  } catch {
    // A full disk must not end the session, nor the guard.
  }
};

const readLine = (line: string): readonly (Heard | Logged)[] => {
  try {
    // Written above.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return [JSON.parse(line) as Heard | Logged];
  } catch {
    return [];
  }
};

const notesOf = (file: string, nonce: string): readonly (Heard | Logged)[] => {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes(nonce))
      .flatMap(readLine);
  } catch {
    return [];
  }
};

export const noteHeard: (file: string, heard: Heard) => void = note;
export const noteLogged: (file: string, logged: Logged) => void = note;

export const heardOf = (file: string, nonce: string): readonly Heard[] =>
  notesOf(file, nonce).filter((fact) => 'hook' in fact);
export const loggedOf = (file: string, nonce: string): readonly Logged[] =>
  notesOf(file, nonce).filter((fact) => 'time' in fact);

const lookEveryMs = 50;

/** The last notes may still be on their way. @returns what is noted when it is enough, or else when the time is over */
export const waitForNotes = async <Note>(
  read: () => readonly Note[],
  isEnough: (notes: readonly Note[]) => boolean,
  msMax: number,
): Promise<readonly Note[]> => {
  for (const until = Date.now() + msMax; ; await pause(lookEveryMs)) {
    const notes = read();
    if (isEnough(notes) || Date.now() > until) return notes;
  }
};
