import { readLogs } from '../guard/read-logs.ts';
import { eventJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { zoneOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { createOutput } from './output.ts';
import { startReading } from './reading.ts';

const run = async (call: Call): Promise<number> => {
  const reading = startReading(call, call.operands);
  const output = createOutput(process.stdout);
  const unmatched = call.options.has('unmatched');
  const { onProgress, ...options } = reading.options;
  const files = await readLogs(
    {
      ...options,
      onProgress: process.stdout.isTTY === true ? undefined : onProgress,
      onUnmatched: unmatched ? (_path, line) => output.line(plain(line)) : undefined,
      drained: output.flush,
    },
    unmatched ? () => undefined : (event) => output.line(eventJson(event)),
  ).finally(reading.done);
  await output.flush();
  for (const file of files)
    if (file.problem !== undefined) process.stderr.write(`postern: ${plain(file.path)}: ${plain(file.problem)}\n`);
  return 0;
};

export const parseCommand: Command = {
  name: 'parse',
  usage: 'postern parse [--unmatched] FILE…|-',
  summary: 'The events of mail logs, one JSON object a line.',
  options: [
    { name: 'unmatched', sentence: 'Print the lines that were not understood instead.' },
    { name: 'json', sentence: 'As it is anyway.' },
    zoneOption,
  ],
  examples: [
    'postern parse /var/log/mail.log | jq -c "select(.kind==\\"auth\\")"',
    'postern parse --unmatched /var/log/exim4/mainlog',
  ],
  operandsMin: 1,
  operandsMax: Infinity,
  run,
};
