/** `complain`: drafts of abuse reports to the owners of the networks that an incident came from. Nothing is sent. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Fault } from '../model/fault.ts';
import { arfOf, mboxOf } from '../show/text/arf.ts';
import { jsonLine } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { xarfOf } from '../show/text/xarf.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, readAtDesk, whereKnown } from './desk.ts';

const draftsMax = 100;

const addressIn = (call: Call, name: string): string | undefined => {
  const text = call.options.get(name);
  if (text !== undefined && !/^[^\s<>@]+@[^\s<>@]+$/.test(text))
    throw new Fault('USAGE', `--${name} ${plain(text)}: expected a mail address`);
  return text;
};

const run = (call: Call): Promise<number> =>
  readAtDesk(call, ({ incidents }) => {
    const id = (call.operands[0] ?? '').toUpperCase();
    const contact = addressIn(call, 'from');
    if (contact === undefined) throw new Fault('USAGE', '--from ADDRESS: who complains, and reads the answer');
    const incident = incidents.get(id);
    if (incident === undefined) throw new Fault('USAGE', `there is no incident ${plain(id)} (postern incidents --all)`);
    const reporter = { org: call.options.get('org') ?? contact.slice(contact.lastIndexOf('@') + 1), contact };
    const envelope = { to: addressIn(call, 'to'), host: hostname(), now: Date.now() };
    const isMail = call.options.has('mail');
    const drafts = incident.actors.slice(0, draftsMax).flatMap((actor) => {
      if (isMail) return arfOf(incident, actor, reporter, { ...envelope, id: randomUUID() }) ?? [];
      const draft = xarfOf(incident, actor, reporter, randomUUID());
      return draft === undefined ? [] : jsonLine(draft);
    });
    if (drafts.length === 0)
      throw new Fault(
        'USAGE',
        `${incident.attack} ${id}: there is no client in it whose network's owner could act on this`,
      );
    process.stdout.write(isMail ? mboxOf(drafts, envelope) : `${drafts.join('\n')}\n`);
    return 0;
  });

export const complainCommand: Command = {
  name: 'complain',
  usage: 'postern complain INCIDENT --from ADDRESS [--mail [--to ADDRESS]]',
  summary: "Drafts of abuse reports to the owners of the clients' networks: XARF 4, or mails. Sends nothing.",
  options: [
    { name: 'from', value: 'ADDRESS', sentence: 'Who complains, and reads the answer.' },
    { name: 'org', value: 'NAME', sentence: 'The organisation; without it the domain of the address.' },
    { name: 'mail', sentence: 'Mails in the Abuse Reporting Format (RFC 5965), as one mbox file, instead of JSON.' },
    { name: 'to', value: 'ADDRESS', sentence: 'Whom the registry names (whois, abuse-c), for --mail.' },
    ...deskOptions,
  ],
  examples: [
    'postern complain 7F3KQ2 --from abuse@example.org | head -1 | jq .',
    'postern complain 7F3KQ2 --from abuse@example.org --mail > drafts && mutt -f drafts',
  ],
  operandsMin: 1,
  operandsMax: 1,
  run: whereKnown(run),
};
