/** `gate report`: what the gate's answers do to attackers, campaign by campaign, and what that costs here. */
import { readConfig } from '../guard/config.ts';
import { answersIn } from '../guard/gate-notes.ts';
import type { AnswersNote, ArmCount, ArmReport } from '../model/gate-note.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { grouped, table } from '../show/text/table.ts';
import type { Column } from '../show/text/table.ts';
import type { Call } from './command.ts';
import { stateOf } from './desk.ts';

const armText = ({ clients, followed }: ArmCount): string =>
  clients === 0 ? '' : `${grouped(clients)}, then ${grouped(followed)} new`;

const columns: readonly Column<ArmReport>[] = [
  { title: 'campaign', text: ({ campaign }) => plain(campaign) },
  { title: 'held', text: ({ hold }) => armText(hold) },
  { title: 'sent away', text: ({ drop }) => armText(drop) },
  { title: 'bound', text: ({ hold, drop }) => `${grouped(Math.round(hold.seconds + drop.seconds))} s`, right: true },
  { title: 'answer now', text: ({ kept }) => (kept === 'hold' ? 'hold' : 'send away') },
];

const boundBy = (notes: readonly AnswersNote[]): number =>
  notes.flatMap(({ campaigns }) => campaigns).reduce((sum, { hold, drop }) => sum + hold.seconds + drop.seconds, 0);

export const reportGate = (call: Call): number => {
  const { values } = readConfig(call.options.get('config'));
  const notes = answersIn(stateOf(call, values));
  const campaigns = notes.flatMap((note) => note.campaigns);
  const bound = boundBy(notes);
  const cpuSeconds = notes.reduce((sum, note) => sum + note.cpuSeconds, 0);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (call.options.has('json')) {
    print(anyJson({ version: 1, boundSeconds: bound, cpuSeconds, listeners: notes }));
    return 0;
  }
  for (const line of table(campaigns, columns, process.stdout.columns || 120)) print(line);
  print(
    campaigns.length === 0
      ? 'No hostile client has come to the gate yet.'
      : `Hostile clients were bound for ${grouped(Math.round(bound))} s; the gate's threads have used ${cpuSeconds.toFixed(1)} s of CPU, good sessions included: ${grouped(Math.round(bound / Math.max(cpuSeconds, 0.01)))} of their seconds for one of ours.`,
  );
  return 0;
};
