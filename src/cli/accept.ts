import { firewallBlock } from '../act/firewall.ts';
import { performAll } from '../act/perform.ts';
import { undo } from '../act/recover.ts';
import { Fault } from '../model/fault.ts';
import type { Receipt } from '../model/receipt.ts';
import { actionLine } from '../show/text/action.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { atDesk, deskOptions, whoAsks } from './desk.ts';

const idsMax = 1000;

const run = (call: Call): Promise<number> =>
  atDesk(call, async (desk) => {
    const { receipts } = desk;
    const chosen = call.operands.flatMap((text): readonly Receipt[] => {
      const id = text.toUpperCase();
      const receipt = receipts.get(id);
      const list = (receipt === undefined ? receipts.ofIncident(id) : [receipt]).filter(
        ({ state }) => state === 'suggested',
      );
      if (list.length === 0)
        throw new Fault('USAGE', `${plain(text)}: no suggestion waits under this name (postern actions)`);
      return list;
    });
    const until = ({ until: end, made }: Receipt): number => Date.now() + ((end ?? made) - made);
    const done = await performAll(
      firewallBlock,
      chosen.map((receipt) => ({ subject: receipt.subject, until: until(receipt) })),
      chosen.map((receipt) => ({
        who: whoAsks(),
        why: receipt.why,
        until: until(receipt),
        incident: receipt.incident,
      })),
      desk,
    );
    await undo(
      chosen.map(({ id }) => id),
      `${whoAsks()}, who said yes`,
      desk,
    );
    const made = done.flatMap(({ receipt }) => receipt ?? []);
    if (call.options.has('json')) process.stdout.write(`${anyJson(made)}\n`);
    else for (const receipt of made) process.stdout.write(`${actionLine(receipt)}\n`);
    return 0;
  });

export const acceptCommand: Command = {
  name: 'accept',
  usage: 'postern accept ACTION|INCIDENT…',
  summary: 'Says yes to suggestions, one by one or all of an incident. (No: postern undo.)',
  options: [jsonOption, ...deskOptions],
  examples: ['postern accept A7K2QM', 'postern accept 7F3KQ2'],
  operandsMin: 1,
  operandsMax: idsMax,
  run,
};
