import { Fault, faultCodes } from '../model/fault.ts';
import { analyze } from '../guard/analyze.ts';
import { reportJson } from '../show/text/json.ts';
import { reportLines } from '../show/text/report.ts';
import { styleFor } from '../show/text/style.ts';
import { jsonOption, zoneOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { momentOf } from './moment.ts';
import { createOutput } from './output.ts';
import { startReading } from './reading.ts';

const topJson = 500;
const topText = 10;

const topOf = (call: Call): number => {
  const text = call.options.get('top');
  if (text === undefined) return call.options.has('json') ? topJson : topText;
  const top = Number(text);
  if (!Number.isInteger(top) || top < 0) throw new Fault('USAGE', `--top ${text}: expected a whole number`);
  return top;
};

const run = async (call: Call): Promise<number> => {
  const now = Date.now();
  const moment = (name: 'since' | 'until'): number | undefined => {
    const text = call.options.get(name);
    return text === undefined ? undefined : momentOf(text, now, name);
  };
  const top = topOf(call);
  const reading = startReading(call, call.operands);
  const report = await analyze({
    ...reading.options,
    most: Math.max(top, topJson),
    since: moment('since'),
    until: moment('until'),
  }).finally(reading.done);
  const output = createOutput(process.stdout);
  const style = styleFor(process.stdout, process.env);
  if (call.options.has('json')) {
    for (const piece of reportJson(report, top)) {
      output.line(piece);
      await output.flush();
    }
  } else for (const line of reportLines(report, top, style)) output.line(line);
  await output.flush();
  if (reading.interrupted()) {
    process.stderr.write('postern: interrupted: this is only the part that was read\n');
    return faultCodes.PARTLY_DONE;
  }
  return call.options.has('fail-on-attack') && report.incidents.length > 0 ? 1 : 0;
};

export const analyzeCommand: Command = {
  name: 'analyze',
  usage: 'postern analyze [OPTIONS] FILE…|-',
  summary: 'What attacked this server? Reads mail logs of any kind, plain or compressed.',
  options: [
    jsonOption,
    { name: 'top', value: 'N', sentence: 'How many of each list: 10, with --json 500.' },
    {
      name: 'since',
      value: 'TIME',
      sentence: 'Judge only events from then on: 2026-11-21, 2026-11-21T03:00, yesterday, 2d.',
    },
    { name: 'until', value: 'TIME', sentence: 'Judge only events before then.' },
    { name: 'fail-on-attack', sentence: 'Exit with 1 when an attack is found.' },
    zoneOption,
  ],
  examples: [
    'postern analyze /var/log/mail.log*',
    'journalctl -u postfix@- -o short-iso | postern analyze -',
    'postern analyze --json --since yesterday /var/log/exim4/mainlog',
  ],
  operandsMin: 1,
  operandsMax: Infinity,
  run,
};
