/** Where this process acts from: the ledger, the lock that keeps deeds apart, and who carries out. */
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { allDeeds } from '../act/all.ts';
import type { Desk } from '../act/desk.ts';
import { askHelper } from '../helper/ask.ts';
import { createAllowance } from '../helper/allowance.ts';
import { createCarryOut } from '../helper/carry-out.ts';
import type { CarryOut } from '../model/verb.ts';
import { Fault } from '../model/fault.ts';
import type { Ledger } from '../record/ledger.ts';
import { tryLock } from '../record/sqlite/lock.ts';
import { openLedger } from '../record/sqlite/open.ts';
export { ledgerFile } from '../record/sqlite/open.ts';
import type { Values } from './settings.ts';

const lockPatienceMs = 60_000;
const lockPauseMs = 20;

/** One at a time in this process, and by the lock among processes. */
const createAlone = (file: string): Desk['alone'] => {
  let last: Promise<unknown> = Promise.resolve();
  const locked = async <T>(work: () => Promise<T>): Promise<T> => {
    const until = Date.now() + lockPatienceMs;
    let release = tryLock(file);
    while (release === undefined) {
      if (Date.now() > until)
        throw new Fault(
          'PARTLY_DONE',
          `somebody else has been acting for ${lockPatienceMs / 1000} s (${file}): try again`,
        );
      await pause(lockPauseMs);
      release = tryLock(file);
    }
    try {
      return await work();
    } finally {
      release();
    }
  };
  return (work) => {
    const turn = last.then(() => locked(work));
    last = turn.catch(() => undefined);
    return turn;
  };
};

/** Where evidence files lie. */
export const evidenceFolder = (state: string): string => join(resolve(state), 'evidence');

/** Carries out in this process, with what the configuration protects besides, and evidence below the state directory. */
export const carryOutHere = (values: Values, state: string): CarryOut => {
  const list = (key: string): readonly string[] => {
    const value = values.get(key);
    return Array.isArray(value) ? value.map(String) : [];
  };
  return createCarryOut(
    createAllowance({
      protect: list('protect'),
      accountCommand: list('accounts.command'),
      roots: [{ path: evidenceFolder(state) }],
    }),
  );
};

/** Who carries out for this process: itself when it is root or there is no helper, else the helper. */
export const protectedBy = (values: Values, state: string): Pick<Desk, 'carryOut'> => {
  const socket = String(values.get('helper.socket'));
  const asks = socket.startsWith('/') && process.getuid?.() !== 0;
  return { carryOut: asks ? askHelper(socket) : carryOutHere(values, state) };
};

export type OpenDesk = Desk & Ledger;

/** @param state the state directory */
export const openDesk = (
  state: string,
  { carryOut, deeds = allDeeds }: Pick<Desk, 'carryOut'> & Partial<Pick<Desk, 'deeds'>>,
): OpenDesk => {
  const directory = resolve(state);
  const ledger = openLedger(directory);
  return { ...ledger, carryOut, deeds, alone: createAlone(join(directory, 'deeds.lock')), now: () => Date.now() };
};
