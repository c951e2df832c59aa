/** `postern release INCIDENT` and `postern purge INCIDENT`: the held mail of the accounts that an incident has locked. */
import { undo } from '../act/recover.ts';
import { ownOf } from '../guard/queue/deeds.ts';
import { Fault } from '../model/fault.ts';
import { conditionFor, isLocalUser } from '../model/queue/culprit.ts';
import { plain } from '../show/text/plain.ts';
import { jsonOption, zoneOption } from './command.ts';
import type { Call, Command, Option } from './command.ts';
import { atDesk, deskOptions, readAtDesk, whereKnown, whoAsks } from './desk.ts';
import { runDeed } from './queue-deeds.ts';

/** The accounts that were locked for it, also when they are unlocked by now. */
const accountsOf = (call: Call, incident: string): Promise<readonly string[]> =>
  atDesk(call, ({ receipts }) => {
    const own = receipts.ofIncident(incident).filter(({ kind }) => kind === 'account-lock');
    if (own.length === 0)
      throw new Fault('USAGE', `no account was locked for ${plain(incident)} (postern actions --all shows incidents)`);
    return Promise.resolve([...new Set(own.map(({ subject }) => subject))]);
  });

/** A locked local user's mail is held wherever it waits: first the lock goes, or it would be held again. */
const unlockUsers = (call: Call, accounts: readonly string[]): Promise<void> =>
  atDesk(call, async (desk) => {
    const locks = accounts.filter(isLocalUser).flatMap((culprit) => desk.receipts.inForce('account-lock', culprit));
    if (locks.length === 0) return;
    await undo(
      locks.map(({ id }) => id),
      whoAsks(),
      desk,
    );
    process.stderr.write(`postern: unlocked ${plain(locks.map(({ subject }) => subject).join(', '))}\n`);
  });

const run =
  (deed: 'release' | 'purge') =>
  async (call: Call): Promise<number> => {
    const [incident = ''] = call.operands;
    const accounts = await accountsOf(call, incident);
    const owned = accounts.map(conditionFor).join(' or ');
    if (deed === 'release' && !call.options.has('dry-run')) await unlockUsers(call, accounts);
    const options = new Map([...call.options, ['where', `held and (${owned})`]]);
    const isOwn = await readAtDesk(call, (desk) => ownOf(incident, desk));
    return runDeed({ ...call, options }, deed, { incident, isOwn });
  };

const options: readonly Option[] = [
  {
    name: 'spool',
    value: 'DIR',
    sentence: 'The queue directory, where it is not at its usual place; several with commas.',
  },
  { name: 'log', value: 'FILE', sentence: 'Take from this log who handed in what (Sendmail).' },
  { name: 'dry-run', sentence: 'Only say what would be taken.' },
  { name: 'yes', sentence: 'Do not ask, even when it takes more than the incident’s own messages.' },
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
  run: whereKnown(run('release')),
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
  run: whereKnown(run('purge')),
};
