import { allowance, confirmable, firewallBlock } from '../act/firewall.ts';
import { performAll } from '../act/perform.ts';
import { undo } from '../act/recover.ts';
import { Fault } from '../model/fault.ts';
import type { Receipt } from '../model/receipt.ts';
import type { OpenDesk } from '../guard/desk.ts';
import { actionLine } from '../show/text/action.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { atDesk, deskOptions, whereKnown, whoAsks } from './desk.ts';

const idsMax = 1000;

/** What waits for a yes under this name: suggestions, and what is done and takes itself back unless it is confirmed. */
const waitingAs = ({ receipts }: OpenDesk, text: string): readonly Receipt[] => {
  const id = text.toUpperCase();
  const receipt = receipts.get(id);
  const list = (receipt === undefined ? receipts.ofIncident(id) : [receipt]).filter(
    (each) => each.state === 'suggested' || confirmable(each) !== undefined,
  );
  if (list.length === 0)
    throw new Fault(
      'USAGE',
      receipt?.state === 'undone'
        ? `${plain(text)} is undone already: ${plain(receipt.note)}; do it again`
        : `${plain(text)}: nothing waits for a yes under this name (postern actions)`,
    );
  return list;
};

/** A suggestion begins now and lasts as long as it was to; what waits to be confirmed goes on to its own end. */
const endOf = (receipt: Receipt): number =>
  confirmable(receipt)?.until ?? Date.now() + ((receipt.until ?? receipt.made) - receipt.made);

const accepted = async (
  desk: OpenDesk,
  kind: Receipt['kind'],
  chosen: readonly Receipt[],
): Promise<readonly Receipt[]> => {
  const done = await performAll(
    kind === 'allowance' ? allowance : firewallBlock,
    chosen.map((receipt) => ({ subject: receipt.subject, until: endOf(receipt) })),
    chosen.map((receipt) => ({
      who: whoAsks(),
      why: receipt.why,
      until: endOf(receipt),
      incident: receipt.incident,
    })),
    desk,
  );
  return done.flatMap(({ receipt }) => receipt ?? []);
};

const run = (call: Call): Promise<number> =>
  atDesk(call, async (desk) => {
    const chosen = call.operands.flatMap((text) => waitingAs(desk, text));
    const made: Receipt[] = [];
    for (const [kind, each] of Map.groupBy(chosen, (receipt) => receipt.kind))
      made.push(...(await accepted(desk, kind, each)));
    // What was confirmed is replaced by its renewal already.
    const suggested = chosen.filter(({ state }) => state === 'suggested').map(({ id }) => id);
    if (suggested.length > 0) await undo(suggested, `${whoAsks()}, who said yes`, desk);
    if (call.options.has('json')) process.stdout.write(`${anyJson(made)}\n`);
    else for (const receipt of made) process.stdout.write(`${actionLine(receipt)}\n`);
    return 0;
  });

export const acceptCommand: Command = {
  name: 'accept',
  usage: 'postern accept ACTION|INCIDENT…',
  summary:
    'Says yes to suggestions, and to what --confirm would take back; one by one or all of an incident. (No: postern undo.)',
  options: [jsonOption, ...deskOptions],
  examples: ['postern accept A7K2QM', 'postern accept 7F3KQ2'],
  operandsMin: 1,
  operandsMax: idsMax,
  run: whereKnown(run),
};
