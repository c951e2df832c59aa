import { drift } from '../act/drift.ts';
import type { OpenDesk } from '../guard/desk.ts';
import { faultCodes } from '../model/fault.ts';
import { actionLine } from '../show/text/action.ts';
import { anyJson, jsonLine } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { styleFor } from '../show/text/style.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, readAtDesk, whereKnown } from './desk.ts';
import { createOutput } from './output.ts';

const shownMax = 1000;

/** Whoever reads slowly is waited for: a ledger may be larger than memory. */
const exportAll = async ({ archive }: OpenDesk): Promise<number> => {
  const output = createOutput(process.stdout);
  for (const entry of archive.entries()) {
    output.line(jsonLine(entry));
    await output.flush();
  }
  return 0;
};

/** Asks the firewall, the maps and the accounts themselves. */
const verifyAll = async (call: Call, desk: OpenDesk): Promise<number> => {
  const missing = await drift(desk);
  if (call.options.has('json')) process.stdout.write(`${anyJson(missing)}\n`);
  else if (missing.length === 0) process.stdout.write('what is in force outside is there\n');
  else
    for (const { receipt, text } of missing)
      process.stdout.write(
        `${actionLine(receipt)}\n  not there: ${plain(text)}; do it again, or postern undo ${receipt.id}\n`,
      );
  return missing.length === 0 ? 0 : faultCodes.PARTLY_DONE;
};

const run = (call: Call): Promise<number> =>
  readAtDesk(call, async (desk) => {
    if (call.options.has('verify')) return verifyAll(call, desk);
    if (call.options.has('export')) return exportAll(desk);
    const { receipts } = desk;
    const all = call.options.has('all');
    const list = all ? receipts.latest(shownMax) : receipts.inState('suggested', 'open', 'done', 'undoing');
    if (call.options.has('json')) process.stdout.write(`${anyJson(list)}\n`);
    else if (list.length === 0) process.stdout.write('nothing is in force\n');
    else {
      const { folded } = styleFor(process.stdout, process.env);
      for (const line of list.flatMap((receipt) => folded(actionLine(receipt), 4))) process.stdout.write(`${line}\n`);
    }
    return 0;
  });

export const actionsCommand: Command = {
  name: 'actions',
  usage: 'postern actions [--all|--verify|--export]',
  summary: 'What Postern has done, what is in force and what waits for a yes, each with the id to undo it.',
  options: [
    { name: 'all', sentence: 'Also what is undone or failed.' },
    {
      name: 'verify',
      sentence: 'Ask the firewall, the maps and the accounts themselves whether it is there; exit 5 when it is not.',
    },
    {
      name: 'export',
      sentence: 'The whole ledger, one JSON object a line: incidents, actions with their history, pauses.',
    },
    jsonOption,
    ...deskOptions,
  ],
  examples: ['postern actions', 'postern actions --verify', 'postern actions --export | gzip > ledger.jsonl.gz'],
  operandsMin: 0,
  operandsMax: 0,
  run: whereKnown(run),
};
