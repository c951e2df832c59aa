import { removeTable } from '../act/firewall.ts';
import { undo } from '../act/recover.ts';
import type { OpenDesk } from '../guard/desk.ts';
import { Fault } from '../model/fault.ts';
import type { Receipt } from '../model/receipt.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { atDesk, deskOptions, whereKnown, whoAsks } from './desk.ts';

const shownMax = 20;
const isInForce = ({ state }: Receipt): boolean => state !== 'undone' && state !== 'failed';

/** An action, all of an incident, or all that is in force. */
const chosenBy = (call: Call, { receipts }: OpenDesk): readonly Receipt[] => {
  if (call.options.has('all')) return receipts.inState('suggested', 'open', 'undoing', 'done');
  const [text] = call.operands;
  if (text === undefined) throw new Fault('USAGE', 'postern undo ACTION|INCIDENT, or --all (postern actions)');
  const id = text.toUpperCase();
  const one = receipts.get(id);
  if (one !== undefined) return [one];
  const all = receipts.ofIncident(id).filter(isInForce);
  if (all.length === 0)
    throw new Fault(
      'USAGE',
      `there is no action ${plain(text)} (postern actions), and no incident of that name with one in force`,
    );
  return all;
};

const run = (call: Call): Promise<number> =>
  atDesk(call, async (desk) => {
    const chosen = chosenBy(call, desk);
    const isDry = call.options.has('dry-run');
    const kept = isDry
      ? ''
      : await undo(
          chosen.map(({ id }) => id),
          whoAsks(),
          desk,
        );
    const hadTable = desk.receipts
      .latest(Number.MAX_SAFE_INTEGER)
      .some(({ kind }) => kind === 'firewall-block' || kind === 'allowance');
    if (call.options.has('all') && !isDry && hadTable) await removeTable(desk.carryOut);
    const undone = chosen.map(({ id, kind, subject }) => ({ id, kind, subject }));
    if (call.options.has('json')) process.stdout.write(`${anyJson({ dryRun: isDry, undone, kept })}\n`);
    else {
      for (const { id, kind, subject } of undone.slice(0, shownMax))
        process.stdout.write(`${isDry ? 'would be undone' : 'undone'}: ${id} ${kind} ${plain(subject)}\n`);
      if (undone.length > shownMax) process.stdout.write(`and ${undone.length - shownMax} more\n`);
      if (undone.length === 0) process.stdout.write('nothing was in force\n');
      if (kept !== '') process.stdout.write(`${plain(kept)}\n`);
    }
    return 0;
  });

export const undoCommand: Command = {
  name: 'undo',
  usage: 'postern undo ACTION|INCIDENT, or --all',
  summary: 'Takes back an action, or all of an incident: what was changed is as it was before.',
  options: [
    { name: 'all', sentence: 'Everything in force, and the firewall table too: nothing of Postern is left outside.' },
    { name: 'dry-run', sentence: 'Say what would be undone.' },
    jsonOption,
    ...deskOptions,
  ],
  examples: ['postern undo A7K2QM', 'postern undo 7F3KQ2', 'postern undo --all'],
  operandsMin: 0,
  operandsMax: 1,
  run: whereKnown(run),
};
