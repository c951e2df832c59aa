/** `session`: what a suspect client said to the gate and heard, line by line. */
import { readConfig } from '../guard/config.ts';
import { transcriptsIn } from '../guard/gate-notes.ts';
import { canonicalAddress } from '../model/address.ts';
import { Fault } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { isoTime, localTime } from '../show/text/time.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, stateOf } from './desk.ts';

const sessionsUsual = 5;
const sessionsMax = 1000;

const run = (call: Call): Promise<number> => {
  const [text = ''] = call.operands;
  const client = canonicalAddress(text);
  if (client === undefined) throw new Fault('USAGE', `${plain(text)}: expected an address`);
  const count = Number(call.options.get('last') ?? sessionsUsual);
  if (!Number.isInteger(count) || count < 1 || count > sessionsMax)
    throw new Fault(
      'USAGE',
      `--last ${plain(call.options.get('last') ?? '')}: expected a whole number from 1 to ${sessionsMax}`,
    );
  const { values } = readConfig(call.options.get('config'));
  const sessions = transcriptsIn(stateOf(call, values), client, count);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (call.options.has('json'))
    print(anyJson({ client, sessions: sessions.map(({ time, lines }) => ({ ended: isoTime(time), lines })) }));
  else {
    if (sessions.length === 0)
      print(`${client}: no session is kept; the gate keeps those of clients that erred or were refused`);
    for (const { time, lines } of sessions.toReversed()) {
      print(`${client}, ended ${localTime(time)}`);
      for (const line of lines) print(`  ${plain(line)}`);
    }
  }
  return Promise.resolve(0);
};

export const sessionCommand: Command = {
  name: 'session',
  usage: 'postern session ADDRESS',
  summary: 'What a suspect client said to the gate and heard, line by line; no password, no message.',
  options: [{ name: 'last', value: 'N', sentence: `So many sessions (${sessionsUsual}).` }, jsonOption, ...deskOptions],
  examples: ['postern session 203.0.113.7', 'postern session --last 20 2001:db8::25'],
  operandsMin: 1,
  operandsMax: 1,
  run,
};
