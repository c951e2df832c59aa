/** What the commands that act have in common: the state directory, who asks, and what a crash has left. */
import { userInfo } from 'node:os';
import { recover } from '../act/recover.ts';
import { readConfig } from '../guard/config.ts';
import { openDesk, protectedBy } from '../guard/desk.ts';
import type { OpenDesk } from '../guard/desk.ts';
import type { Values } from '../guard/settings.ts';
import { plain } from '../show/text/plain.ts';
import type { Call, Option } from './command.ts';

export const deskOptions: readonly Option[] = [
  { name: 'config', value: 'FILE', sentence: 'The configuration that the guard runs with.' },
  { name: 'state', value: 'DIR', sentence: 'Where everything is kept that must survive a restart.' },
];

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

/** Calls `work` with a desk to read at: nothing is mended, and nobody who acts is waited for. */
export const readAtDesk = async <T>(call: Call, work: (desk: OpenDesk) => Promise<T> | T): Promise<T> => {
  const { values } = readConfig(call.options.get('config'));
  const state = stateOf(call, values);
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
