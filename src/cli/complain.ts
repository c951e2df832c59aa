import { randomUUID } from 'node:crypto';
import { Fault } from '../model/fault.ts';
import { plain } from '../show/text/plain.ts';
import { xarfOf } from '../show/text/xarf.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, readAtDesk } from './desk.ts';

const draftsMax = 100;

const run = (call: Call): Promise<number> =>
  readAtDesk(call, ({ incidents }) => {
    const id = (call.operands[0] ?? '').toUpperCase();
    const contact = call.options.get('from') ?? '';
    if (!/^[^\s<>@]+@[^\s<>@]+$/.test(contact))
      throw new Fault('USAGE', '--from ADDRESS: who complains, and reads the answer');
    const incident = incidents.get(id);
    if (incident === undefined) throw new Fault('USAGE', `there is no incident ${plain(id)} (postern incidents --all)`);
    const reporter = { org: call.options.get('org') ?? contact.slice(contact.lastIndexOf('@') + 1), contact };
    const drafts = incident.actors
      .slice(0, draftsMax)
      .flatMap((actor) => xarfOf(incident, actor, reporter, randomUUID()) ?? []);
    if (drafts.length === 0)
      throw new Fault(
        'USAGE',
        `${incident.attack} ${id}: there is no client in it whose network's owner could act on this`,
      );
    for (const draft of drafts) process.stdout.write(`${JSON.stringify(draft)}\n`);
    return 0;
  });

export const complainCommand: Command = {
  name: 'complain',
  usage: 'postern complain INCIDENT --from ADDRESS [--org NAME]',
  summary: "Drafts of abuse reports (XARF 4) to the owners of the clients' networks, one a line. Sends nothing.",
  options: [
    { name: 'from', value: 'ADDRESS', sentence: 'Who complains, and reads the answer.' },
    { name: 'org', value: 'NAME', sentence: 'The organisation; without it the domain of the address.' },
    ...deskOptions,
  ],
  examples: ['postern complain 7F3KQ2 --from abuse@example.org | head -1 | jq .'],
  operandsMin: 1,
  operandsMax: 1,
  run,
};
