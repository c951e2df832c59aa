import { actionLine } from '../show/text/action.ts';
import { anyJson } from '../show/text/json.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { readAtDesk, deskOptions } from './desk.ts';

const shownMax = 1000;

const run = (call: Call): Promise<number> =>
  readAtDesk(call, async ({ receipts }) => {
    const all = call.options.has('all');
    const list = all ? receipts.latest(shownMax) : receipts.inState('suggested', 'open', 'done', 'undoing');
    if (call.options.has('json')) process.stdout.write(`${anyJson(list)}\n`);
    else if (list.length === 0) process.stdout.write('nothing is in force\n');
    else for (const receipt of list) process.stdout.write(`${actionLine(receipt)}\n`);
    return Promise.resolve(0);
  });

export const actionsCommand: Command = {
  name: 'actions',
  usage: 'postern actions [--all]',
  summary: 'What Postern has done, what is in force and what waits for a yes, each with the id to undo it.',
  options: [{ name: 'all', sentence: 'Also what is undone or failed.' }, jsonOption, ...deskOptions],
  examples: ['postern actions', 'postern actions --all --json'],
  operandsMin: 0,
  operandsMax: 0,
  run,
};
