/** What the guard heard of marked sessions, a line each, in the state directory: the guard writes, `postern check` reads. */
import { appendFileSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
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

/** The file begins anew when it is full: what it holds is read within seconds. */
export const noteHeard = (file: string, heard: Heard): void => {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > fileBytesMax) truncateSync(file);
  appendFileSync(file, `${JSON.stringify(heard)}\n`, { mode: 0o640 });
};

const readLine = (line: string): readonly Heard[] => {
  try {
    // Written above.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return [JSON.parse(line) as Heard];
  } catch {
    return [];
  }
};

export const heardOf = (file: string, nonce: string): readonly Heard[] => {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes(nonce))
      .flatMap(readLine);
  } catch {
    return [];
  }
};
