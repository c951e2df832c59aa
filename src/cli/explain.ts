import { explain } from '../guard/explain.ts';
import { explanationLines } from '../show/text/explanation.ts';
import { anyJson } from '../show/text/json.ts';
import { styleFor } from '../show/text/style.ts';
import { jsonOption, zoneOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { createOutput } from './output.ts';
import { startReading } from './reading.ts';

const run = async (call: Call): Promise<number> => {
  const [subject = '', ...paths] = call.operands;
  const reading = startReading(call, paths);
  const explanation = await explain(subject, reading.options).finally(reading.done);
  const output = createOutput(process.stdout);
  if (call.options.has('json')) output.line(anyJson(explanation));
  else for (const line of explanationLines(explanation, styleFor(process.stdout, process.env))) output.line(line);
  await output.flush();
  return reading.interrupted() ? 5 : 0;
};

export const explainCommand: Command = {
  name: 'explain',
  usage: 'postern explain ADDRESS|ACCOUNT|DOMAIN FILE…|-',
  summary: 'Why does it stand as it does? Its history, and each term of its score with the thresholds.',
  options: [jsonOption, zoneOption],
  examples: ['postern explain 203.0.113.7 /var/log/mail.log', 'postern explain anna@example.org /var/log/mail.log*'],
  operandsMin: 2,
  operandsMax: Infinity,
  run,
};
