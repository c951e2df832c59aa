/** What the test of every deed needs to know of one: the deed, what is wanted, the real thing it acts on. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { Act } from '../../../src/act/act.ts';
import { perform } from '../../../src/act/perform.ts';
import type { Done } from '../../../src/act/perform.ts';
import { openDesk } from '../../../src/guard/desk.ts';
import type { OpenDesk } from '../../../src/guard/desk.ts';
import { createAllowance } from '../../../src/helper/allowance.ts';
import { createCarryOut } from '../../../src/helper/carry-out.ts';
import type { ActionKind } from '../../../src/model/receipt.ts';
import type { CarryOut, Program } from '../../../src/model/verb.ts';
import { labDir } from '../../servers/lab/door.ts';

/** The real thing, running. */
export type Stage = AsyncDisposable & {
  /** All that the deed may touch, as it is now: bytes, modes, times, what a program says of it. */
  readonly kept: () => Promise<unknown>;
  /** Asks the real thing whether the deed counts. */
  readonly counts: (desk: OpenDesk) => Promise<boolean>;
  /** Where the real thing is slow: how it is asked after each blow, and what lets the next deed begin sooner. */
  readonly afterBlow?: { readonly counts: () => Promise<boolean>; readonly rest: () => void };
  /** A server that is told to read anew does so when it comes to it: it may be asked so many times. */
  readonly attemptsMax?: number;
};

type RowOf<Wanted> = {
  readonly name: string;
  readonly act: Act<Wanted>;
  /** Asked in two processes, so the same in both. @param state where the ledger is */
  readonly wanted: (state: string) => Wanted | Promise<Wanted>;
  readonly start: () => Promise<Stage>;
  /** The receipt is all there is to it: whoever obeys reads the ledger, and there is nothing else to verify. */
  readonly isReceipt?: boolean;
};

export type Row = {
  readonly name: string;
  readonly kind: ActionKind;
  /** What it is told by, for the test that nothing is missing: a map's format, a server. */
  readonly of: string;
  readonly isReceipt: boolean;
  readonly start: () => Promise<Stage>;
  readonly perform: (desk: OpenDesk, state: string, until?: number) => Promise<Done>;
};

export const row = <Wanted>(of: string, { name, act, wanted, start, isReceipt = false }: RowOf<Wanted>): Row => ({
  name,
  kind: act.kind,
  of,
  isReceipt,
  start,
  perform: async (desk, state, until) =>
    perform(act, await wanted(state), { who: 'test', why: 'test', until, incident: undefined }, desk),
});

/** Where the lab's programs lie. */
const places = (): ReadonlyMap<Program, readonly string[]> =>
  new Map<Program, readonly string[]>([
    ['makemap', [`${labDir()}/sendmail/usr/libexec/sendmail/makemap`]],
    ['sendmail', [`${labDir()}/sendmail/usr/libexec/sendmail/sendmail`]],
    ['exim', [`${labDir()}/exim4/usr/sbin/exim4`]],
  ]);

/** A row that has a user store of its own puts its program there. */
export const accountCommand = '/run/postern-account';

export const carryOutAt = (state: string): CarryOut =>
  createCarryOut(
    createAllowance({
      places: places(),
      roots: [{ path: `${state}/evidence` }],
      ...(existsSync(accountCommand) ? { accountCommand: [accountCommand, '/etc/dovecot/users'] } : {}),
    }),
  );

export const deskAt = (state: string, carryOut = carryOutAt(state)): OpenDesk => openDesk(state, { carryOut });

/** Not the time of reading: whoever looks changes it. */
export type KeptFile = {
  readonly bytes: string;
  readonly mode: number;
  readonly owner: string;
  readonly modified: bigint;
};
export const keptFile = (path: string): KeptFile | undefined => {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const { mode, uid, gid, mtimeNs } = stat;
  return { bytes: readFileSync(path, 'latin1'), mode: Number(mode), owner: `${uid}:${gid}`, modified: mtimeNs };
};
