/** `incidents` and `incident`: what was found, who, why, and what followed. */
import { Fault } from '../model/fault.ts';
import { actionLine } from '../show/text/action.ts';
import { incidentHeadline, incidentLines } from '../show/text/incident.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { styleFor } from '../show/text/style.ts';
import { localTime } from '../show/text/time.ts';
import { isReportable } from '../show/text/xarf.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, readAtDesk, sayWithoutGuard, whereKnown } from './desk.ts';

const shownMax = 100;
const print = (text: string): void => void process.stdout.write(`${text}\n`);

const list = (call: Call): Promise<number> =>
  readAtDesk(call, async ({ incidents }) => {
    const found = call.options.has('all') ? incidents.latest(shownMax) : incidents.open();
    const style = styleFor(process.stdout, process.env);
    sayWithoutGuard(call, 'this is what the last one knew; what came since is in the log (postern analyze FILE)');
    if (call.options.has('json'))
      print(anyJson(found.map((incident) => ({ ...incident, closed: incident.closed ?? null }))));
    else if (found.length === 0) print('no attack is going on (--all: earlier ones)');
    else
      for (const incident of found) {
        const mark = incident.closed === undefined ? style.warn('!') : ' ';
        for (const line of style.folded(`${localTime(incident.opened)} ${mark} ${incidentHeadline(incident)}`, 4))
          print(line);
      }
    return Promise.resolve(0);
  });

export const incidentsCommand: Command = {
  name: 'incidents',
  usage: 'postern incidents [--all]',
  summary: 'The attacks that are going on, or with --all the last hundred.',
  options: [{ name: 'all', sentence: 'Also those that are over.' }, jsonOption, ...deskOptions],
  examples: ['postern incidents', 'postern incidents --all --json'],
  operandsMin: 0,
  operandsMax: 0,
  run: whereKnown(list),
};

const actionsShown = 20;

const one = (call: Call): Promise<number> =>
  readAtDesk(call, async ({ incidents, receipts }) => {
    const id = (call.operands[0] ?? '').toUpperCase();
    const incident = incidents.get(id);
    if (incident === undefined) throw new Fault('USAGE', `there is no incident ${plain(id)} (postern incidents --all)`);
    const actions = receipts.ofIncident(id);
    if (call.options.has('json')) {
      print(anyJson({ ...incident, closed: incident.closed ?? null, actions }));
      return 0;
    }
    // The first is what Postern would have done: here it was there, and what it did follows.
    const live = { ...incident, advice: incident.advice.slice(1) };
    for (const line of incidentLines(live, styleFor(process.stdout, process.env))) print(line);
    print(actions.length === 0 ? '    actions     none outside the SMTP dialogue' : '    actions');
    for (const receipt of actions.slice(0, actionsShown)) print(`      ${actionLine(receipt)}`);
    if (actions.length > actionsShown) print(`      and ${actions.length - actionsShown} more (postern actions --all)`);
    const actor = incident.actors[0]?.value;
    if (actor !== undefined)
      print(`    more        postern explain ${plain(actor)} LOG: each term that spoke against it`);
    if (incident.actors.some((each) => isReportable(incident, each)))
      print(`    report      postern complain ${id} --from ADDRESS: drafts to the owners of their networks`);
    if (actions.length > 0) print(`    undo        postern undo ${id}: all of these`);
    return Promise.resolve(0);
  });

export const incidentCommand: Command = {
  name: 'incident',
  usage: 'postern incident ID',
  summary: 'One attack: who, against what, since when, how it was recognised, what followed, how to undo it.',
  options: [jsonOption, ...deskOptions],
  examples: ['postern incident 7F3KQ2'],
  operandsMin: 1,
  operandsMax: 1,
  run: whereKnown(one),
};
