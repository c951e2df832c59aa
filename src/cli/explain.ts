import { readConfig } from '../guard/config.ts';
import { explain } from '../guard/explain.ts';
import { isRef, refusalIn } from '../guard/gate-notes.ts';
import { canonicalAddress } from '../model/address.ts';
import { isAddressOrNetwork } from '../model/address-set.ts';
import { Fault } from '../model/fault.ts';
import { explanationLines } from '../show/text/explanation.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { styleFor } from '../show/text/style.ts';
import { isoTime, localTime } from '../show/text/time.ts';
import { jsonOption, zoneOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, stateOf } from './desk.ts';
import { createOutput } from './output.ts';
import { startReading } from './reading.ts';

/** Why the gate refused somebody, by the reference that its reply carried. */
const explainRef = (call: Call, ref: string): number => {
  const { values } = readConfig(call.options.get('config'));
  const found = refusalIn(stateOf(call, values), ref);
  if (found === undefined)
    throw new Fault(
      'USAGE',
      `${plain(ref)}: the gate keeps no refusal of that reference here (--state, --config); old ones go`,
    );
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  if (call.options.has('json')) {
    print(anyJson({ ...found, time: isoTime(found.time) }));
    return 0;
  }
  const { client, stage, time, helo, account, sender, recipient, reply, why } = found;
  const said = [
    ['HELO', helo],
    ['account', account],
    ['from', sender === undefined ? undefined : `<${sender}>`],
    ['to', recipient],
  ] as const;
  print(`${ref.toUpperCase()}  ${client}, ${localTime(time)}, at ${stage}`);
  for (const [name, value] of said) if (value !== undefined) print(`  ${name.padEnd(8)} ${plain(value)}`);
  print(`  heard    ${plain(reply)}`);
  for (const { detector, subject, score, threshold } of why)
    print(`  because  ${detector}: ${plain(subject)}, score ${score.toFixed(1)} of ${threshold.toFixed(1)}`);
  print(`more: postern session ${client}; postern explain ${client} /var/log/mail.log`);
  return 0;
};

const run = async (call: Call): Promise<number> => {
  const [subject = '', ...paths] = call.operands;
  if (paths.length === 0) {
    if (isRef(subject)) return explainRef(call, subject);
    throw new Fault('USAGE', `postern explain ${plain(subject)}: name the logs to read (FILE… or -)`);
  }
  if (subject === '' || isAddressOrNetwork(subject) !== (canonicalAddress(subject) !== undefined))
    throw new Fault(
      'USAGE',
      `"${plain(subject)}": expected an address, an account or a domain; what weighs on a network stands with each of its addresses`,
    );
  const reading = startReading(call, paths);
  // Names in logs are bytes.
  const named = Buffer.from(subject, 'utf8').toString('latin1');
  const explanation = await explain(named, reading.options).finally(reading.done);
  const output = createOutput(process.stdout);
  if (call.options.has('json')) output.line(anyJson(explanation));
  else for (const line of explanationLines(explanation, styleFor(process.stdout, process.env))) output.line(line);
  await output.flush();
  return reading.interrupted() ? 5 : 0;
};

export const explainCommand: Command = {
  name: 'explain',
  usage: 'postern explain ADDRESS|ACCOUNT|DOMAIN FILE…|- | REF',
  summary: 'Why does it stand as it does? Its history, and each term of its score with the thresholds. REF: a refusal.',
  options: [jsonOption, zoneOption, ...deskOptions],
  examples: [
    'postern explain 203.0.113.7 /var/log/mail.log',
    'postern explain anna@example.org /var/log/mail.log*',
    'postern explain K7Q2M',
  ],
  operandsMin: 1,
  operandsMax: Infinity,
  run,
};
