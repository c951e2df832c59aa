import type { Receipt } from '../model/receipt.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { localTime } from '../show/text/time.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { atDesk, deskOptions } from './desk.ts';

const shownMax = 1000;

const line = ({ id, kind, subject, state, made, until, who, why }: Receipt): string =>
  [
    `${localTime(made)}  ${id}  ${state.padEnd(7)} ${kind} ${plain(subject)}`,
    until === undefined ? '' : `, until ${localTime(until)}`,
    `  (${plain(who)}${why === '' ? '' : `: ${plain(why)}`})`,
  ].join('');

const run = (call: Call): Promise<number> =>
  atDesk(call, async ({ receipts }) => {
    const list = call.options.has('all') ? receipts.latest(shownMax) : receipts.inState('open', 'done', 'undoing');
    if (call.options.has('json')) process.stdout.write(`${anyJson(list)}\n`);
    else if (list.length === 0) process.stdout.write('nothing is in force\n');
    else for (const receipt of list) process.stdout.write(`${line(receipt)}\n`);
    return Promise.resolve(0);
  });

export const actionsCommand: Command = {
  name: 'actions',
  usage: 'postern actions [--all]',
  summary: 'What Postern has done and what is in force, each with the id to undo it.',
  options: [{ name: 'all', sentence: 'Also what is undone or failed.' }, jsonOption, ...deskOptions],
  examples: ['postern actions', 'postern actions --all --json'],
  operandsMin: 0,
  operandsMax: 0,
  run,
};
