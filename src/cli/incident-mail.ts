/** `postern release INCIDENT` and `postern purge INCIDENT`: the held mail of the accounts that an incident has locked. */
import { Fault } from '../model/fault.ts';
import { plain } from '../show/text/plain.ts';
import { jsonOption, zoneOption } from './command.ts';
import type { Call, Command, Option } from './command.ts';
import { atDesk, deskOptions } from './desk.ts';
import { runDeed } from './queue-deeds.ts';

/** The accounts that were locked for it, also when they are unlocked by now. */
const receiptsMax = 10_000;
const accountsOf = (call: Call, incident: string): Promise<readonly string[]> =>
  atDesk(call, ({ receipts }) => {
    const locks = receipts.latest(receiptsMax).filter((receipt) => receipt.kind === 'account-lock');
    const own = locks.filter((receipt) => receipt.incident?.toLowerCase() === incident.toLowerCase());
    if (own.length === 0)
      throw new Fault('USAGE', `no account was locked for ${plain(incident)} (postern actions --all shows incidents)`);
    return Promise.resolve([...new Set(own.map(({ subject }) => subject))]);
  });

const run =
  (deed: 'release' | 'purge') =>
  async (call: Call): Promise<number> => {
    const [incident = ''] = call.operands;
    const accounts = await accountsOf(call, incident);
    const owned = accounts.map((account) => `account = "${account.replaceAll('"', '')}"`).join(' or ');
    const options = new Map([...call.options, ['where', `held and (${owned})`]]);
    return runDeed({ ...call, options }, deed, incident);
  };

const options: readonly Option[] = [
  {
    name: 'spool',
    value: 'DIR',
    sentence: 'The queue directory, where it is not at its usual place; several with commas.',
  },
  { name: 'log', value: 'FILE', sentence: 'Take from this log who handed in what (Sendmail).' },
  { name: 'dry-run', sentence: 'Only say what would be taken.' },
  { name: 'yes', sentence: 'Do not ask.' },
  jsonOption,
  zoneOption,
  ...deskOptions,
];

export const releaseCommand: Command = {
  name: 'release',
  usage: 'postern release INCIDENT',
  summary: 'After review: delivers the mail that was held for an incident.',
  options,
  examples: ['postern release I7K2QM'],
  operandsMin: 1,
  operandsMax: 1,
  run: run('release'),
};

export const purgeCommand: Command = {
  name: 'purge',
  usage: 'postern purge INCIDENT',
  summary:
    'After review: takes the mail that was held for an incident out of the queue, kept as evidence; can be undone.',
  options,
  examples: ['postern purge I7K2QM'],
  operandsMin: 1,
  operandsMax: 1,
  run: run('purge'),
};
