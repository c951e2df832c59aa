/** What the commands that act have in common: the state directory, who asks, and what a crash has left. */
import { access, constants } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { recover } from '../act/recover.ts';
import { readConfig, usualConfig } from '../guard/config.ts';
import { ledgerFile, openDesk, protectedBy } from '../guard/desk.ts';
import type { OpenDesk } from '../guard/desk.ts';
import { isGuardOn } from '../guard/guard-lock.ts';
import type { Values } from '../guard/settings.ts';
import { Fault } from '../model/fault.ts';
import { plain } from '../show/text/plain.ts';
import type { Call, Command, Option } from './command.ts';

export const configOption: Option = {
  name: 'config',
  value: 'FILE',
  sentence: `The configuration that the guard runs with (${usualConfig}, where it is there).`,
};
const stateOption: Option = {
  name: 'state',
  value: 'DIR',
  sentence: 'Where everything is kept that must survive a restart (`var` below Postern).',
};
export const deskOptions: readonly Option[] = [configOption, stateOption];

const ownName = (): string => {
  try {
    return userInfo().username;
  } catch {
    // A container's user may have no name.
    return `uid ${process.getuid?.() ?? ''}`;
  }
};

/** The login name of a person also behind sudo. */
export const whoAsks = (): string => process.env['SUDO_USER'] ?? ownName();

export const stateOf = (call: Call, values: Values): string => call.options.get('state') ?? String(values.get('state'));

const placeOf = (call: Call): string => resolve(stateOf(call, readConfig(call.options.get('config')).values));

/** Whether a guard has run there, or somebody acted. @throws Fault INPUT_UNREADABLE for a user who may not know */
export const isKnown = async (state: string): Promise<boolean> => {
  try {
    await access(ledgerFile(state), constants.R_OK | constants.W_OK);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw new Fault('INPUT_UNREADABLE', `${ledgerFile(state)} is not yours to use: ask as root (sudo)`, {
      cause: error,
    });
  }
};

/** For a command that asks what Postern knows: where it knows nothing, silence would be taken for peace. */
export const whereKnown =
  (run: Command['run']): Command['run'] =>
  async (call) => {
    const state = placeOf(call);
    if (await isKnown(state)) return run(call);
    throw new Fault(
      'GUARD_NOT_REACHABLE',
      `no guard has run on ${state}: name its state or configuration (--state, --config), or ask a log (postern analyze FILE)`,
    );
  };

export const unheard = 'nobody heeds this until one does (postern run)';

/** What only a running guard heeds, or only it would know, is not passed over where none runs. */
export const sayWithoutGuard = (call: Call, words: string): void => {
  const state = placeOf(call);
  if (isGuardOn(state) === false) process.stderr.write(`postern: no guard runs on ${plain(state)}: ${words}\n`);
};

/** Calls `work` with a desk to read at: nothing is mended, and nobody who acts is waited for. */
export const readAtDesk = async <T>(call: Call, work: (desk: OpenDesk) => Promise<T> | T): Promise<T> => {
  const { values } = readConfig(call.options.get('config'));
  const state = stateOf(call, values);
  await isKnown(state);
  const desk = openDesk(state, protectedBy(values, state));
  try {
    return await work(desk);
  } finally {
    desk.close();
  }
};

/** Calls `work` with a desk on which nothing is half done. */
export const atDesk = <T>(call: Call, work: (desk: OpenDesk) => Promise<T>): Promise<T> =>
  readAtDesk(call, async (desk) => {
    for (const { receipt, text } of await recover(desk))
      process.stderr.write(`postern: ${receipt.id} ${plain(`${receipt.kind} ${receipt.subject}: ${text}`)}\n`);
    return work(desk);
  });
