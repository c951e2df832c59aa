/**
 * Shuts an account's logins by hand: Dovecot's deny file (a passdb with `deny = yes`, Dovecot's documentation "Password databases"),
 * its open sessions, a system user's password (usermod(8) -L), and whatever user store the configured command reaches. The live hooks refuse it as well: the guard hears of the
 * receipt. What was locked before stays locked after an undo.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../model/fault.ts';
import type { Memory } from '../model/receipt.ts';
import type { CarryOut, SeenFile } from '../model/verb.ts';
import { sectionLines, withSection } from '../servers/edits/marked-section.ts';
import type { Act, Plan } from './act.ts';

export type ShutWanted = { readonly account: string };

/** The deny file that `doveconf -n` names, if any; the system user, when there is one whose password was not locked. */
type Remembered = {
  readonly account: string;
  readonly denyFile: string | null;
  readonly wasDenied: boolean;
  readonly systemUser: string | null;
  /** The configured command said that it was open. */
  readonly ownStore?: boolean;
};
/** `plan` below made it. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const remembered = (memory: Memory): Remembered => memory as Remembered;

const denyFile = '/etc/dovecot/postern-deny';
const accountPattern = /^[A-Za-z0-9_][A-Za-z0-9_.+@=-]{0,250}$/;
const systemUserPattern = /^[a-z_][a-z0-9_.-]{0,31}\$?$/;

const textOf = (seen: SeenFile | undefined): string => Buffer.from(seen?.bytes ?? []).toString('latin1');

const denies = async (path: string, account: string, carryOut: CarryOut): Promise<boolean> =>
  textOf(await carryOut({ verb: 'read-file', path }))
    .split('\n')
    .includes(`${account}:`);

const run = async (
  program: 'doveconf' | 'doveadm' | 'usermod' | 'passwd',
  args: readonly string[],
  carryOut: CarryOut,
): Promise<{ readonly status: number; readonly text: string }> => {
  try {
    const { status, stdout, stderr } = await carryOut({ verb: 'run', program, args });
    return { status, text: `${stdout}${stderr}`.trim() };
  } catch (error) {
    // Not every mail server has Dovecot.
    if (error instanceof Fault && error.code === 'CONFIG') return { status: 127, text: error.message };
    throw error;
  }
};

/** `anna P 2026-…` (`PS` on Red Hat): a usable password; `L` or `LK`: locked; anything else: there is no such user, or no password. */
const passwordOf = async (user: string, carryOut: CarryOut): Promise<'usable' | 'locked' | 'none'> => {
  const { status, text } = await run('passwd', ['-S', user], carryOut);
  const word = status === 0 ? (text.split(' ')[1] ?? '') : '';
  return /^PS?$/.test(word) ? 'usable' : /^LK?$/.test(word) ? 'locked' : 'none';
};

const systemUserOf = async (account: string, carryOut: CarryOut): Promise<string | null> => {
  const name = account.split('@')[0] ?? '';
  if (!systemUserPattern.test(name) || name === 'root') return null;
  return (await passwordOf(name, carryOut)) === 'usable' ? name : null;
};

type Store = 'open' | 'locked' | 'unknown' | 'none';

/** What the configured command says of it. */
const storeOf = async (account: string, carryOut: CarryOut): Promise<Store> => {
  const ran = await carryOut({ verb: 'account-command', does: 'status', account });
  if (ran === undefined) return 'none';
  const word = ran.stdout.trim().split(/\s/)[0];
  if (ran.status === 0 && (word === 'open' || word === 'locked' || word === 'unknown')) return word;
  throw new Fault(
    'CONFIG',
    `accounts.command status ${account}: expected open, locked or unknown (${ran.status}: ${`${ran.stdout}${ran.stderr}`.slice(0, 200)})`,
  );
};

const setStore = async (does: 'lock' | 'unlock', account: string, carryOut: CarryOut): Promise<void> => {
  const ran = await carryOut({ verb: 'account-command', does, account });
  if (ran !== undefined && ran.status !== 0)
    throw new Fault(
      'PARTLY_DONE',
      `accounts.command ${does} ${account}: ${`${ran.stderr}${ran.stdout}`.slice(0, 200)}`,
    );
};

const plan = async ({ account }: ShutWanted, carryOut: CarryOut): Promise<Plan> => {
  const name = account.toLowerCase();
  if (!accountPattern.test(name)) throw new Fault('USAGE', `${account}: expected a login name`);
  if (name === 'root') throw new Fault('REFUSED_FOR_SAFETY', 'root is not shut out: that would lock you out');
  const { text } = await run('doveconf', ['-n'], carryOut);
  const hasDenyFile = text.includes(denyFile);
  const systemUser = await systemUserOf(name, carryOut);
  const wasDenied = hasDenyFile && (await denies(denyFile, name, carryOut));
  const ownStore = (await storeOf(name, carryOut)) === 'open';
  return {
    subject: name,
    lines: [
      `live hooks: refuse logins of ${name} (the guard hears it within two seconds)`,
      ...(hasDenyFile && !wasDenied ? [`${denyFile}: ${name}, and its open sessions are closed (doveadm kick)`] : []),
      ...(systemUser === null ? [] : [`usermod -L ${systemUser}`]),
      ...(ownStore ? [`the configured command locks ${name} (accounts.command)`] : []),
    ],
    memory: { account: name, denyFile: hasDenyFile ? denyFile : null, wasDenied, systemUser, ownStore },
  };
};

/** Dovecot looks at the time in whole seconds and at the size: a second change within one second might be missed. */
const awaitNextSecond = async (seen: SeenFile | undefined): Promise<void> => {
  const now = Date.now();
  const changed = Number(BigInt(seen?.facts.modifiedNs ?? 0) / 1_000_000_000n);
  if (Math.floor(now / 1000) === changed) await pause(1000 - (now % 1000));
};

/** The file stays when it is empty: Dovecot denies nobody when it is missing, but says so at each login. */
const putDenied = async (path: string, account: string, isDenied: boolean, carryOut: CarryOut): Promise<void> => {
  const seen = await carryOut({ verb: 'read-file', path });
  const text = textOf(seen);
  const line = `${account}:`;
  const others = sectionLines(text).filter((each) => each !== line);
  const next = withSection(text, isDenied ? [...others, line] : others, false);
  if (next === text && seen !== undefined) return;
  await awaitNextSecond(seen);
  await carryOut({ verb: 'replace-file', path, expected: seen?.bytes, content: Buffer.from(next, 'latin1') });
};

const setPassword = async (flag: '-L' | '-U', user: string, carryOut: CarryOut): Promise<void> => {
  const { status, text } = await run('usermod', [flag, user], carryOut);
  if (status !== 0) throw new Fault('PARTLY_DONE', `usermod ${flag} ${user}: ${text.split('\n')[0] ?? ''}`);
};

export const loginShut: Act<ShutWanted> = {
  kind: 'login-shut',
  drifts: 'watched',
  plan,
  carry: async (memory, carryOut) => {
    const { account, denyFile: path, systemUser, ownStore } = remembered(memory);
    if (ownStore === true) await setStore('lock', account, carryOut);
    if (path !== null) await putDenied(path, account, true, carryOut);
    if (systemUser !== null) await setPassword('-L', systemUser, carryOut);
    // It fails when nobody is logged in.
    if (path !== null) await run('doveadm', ['kick', account], carryOut);
  },
  verify: async (memory, carryOut) => {
    const { account, denyFile: path, systemUser, ownStore } = remembered(memory);
    if (ownStore === true && (await storeOf(account, carryOut)) === 'open')
      return { took: false, text: `the configured command says that ${account} is open` };
    if (path !== null && !(await denies(path, account, carryOut)))
      return { took: false, text: `${path} does not name ${account}` };
    if (systemUser !== null && (await passwordOf(systemUser, carryOut)) === 'usable')
      return { took: false, text: `the password of ${systemUser} is not locked` };
    return { took: true, text: `${account} cannot log in` };
  },
  undo: async (memory, carryOut) => {
    const { account, denyFile: path, wasDenied, systemUser, ownStore } = remembered(memory);
    if (ownStore === true && (await storeOf(account, carryOut)) === 'locked')
      await setStore('unlock', account, carryOut);
    if (path !== null && !wasDenied) await putDenied(path, account, false, carryOut);
    if (systemUser !== null && (await passwordOf(systemUser, carryOut)) === 'locked')
      await setPassword('-U', systemUser, carryOut);
    return '';
  },
};
