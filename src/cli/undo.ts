import { undo } from '../act/recover.ts';
import { Fault } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { atDesk, deskOptions, whoAsks } from './desk.ts';

const run = (call: Call): Promise<number> =>
  atDesk(call, async (desk) => {
    const [id = ''] = call.operands;
    const receipt = desk.receipts.get(id.toUpperCase());
    if (receipt === undefined) throw new Fault('USAGE', `there is no action ${plain(id)} (postern actions)`);
    const kept = await undo([receipt.id], whoAsks(), desk);
    const done = { id: receipt.id, kind: receipt.kind, subject: receipt.subject, kept };
    if (call.options.has('json')) process.stdout.write(`${anyJson(done)}\n`);
    else
      process.stdout.write(
        `undone: ${receipt.id} ${plain(`${receipt.kind} ${receipt.subject}${kept === '' ? '' : `; ${kept}`}`)}\n`,
      );
    return 0;
  });

export const undoCommand: Command = {
  name: 'undo',
  usage: 'postern undo ACTION',
  summary: 'Takes back an action: what it changed is as it was before.',
  options: [jsonOption, ...deskOptions],
  examples: ['postern undo A7K2QM'],
  operandsMin: 1,
  operandsMax: 1,
  run,
};
