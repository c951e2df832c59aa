import { standingOf } from '../guard/acting/standing.ts';
import { readConfig } from '../guard/config.ts';
import { actionLine } from '../show/text/action.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { localTime } from '../show/text/time.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, readAtDesk, stateOf, whereKnown } from './desk.ts';

const run = (call: Call): Promise<number> =>
  readAtDesk(call, async (desk) => {
    const state = stateOf(call, readConfig(call.options.get('config')).values);
    const found = await standingOf(call.operands[0] ?? '', state, desk);
    const print = (text: string): void => void process.stdout.write(`${text}\n`);
    if (call.options.has('json')) {
      print(anyJson({ ...found, protection: found.protection ?? null, hostileUntil: found.hostileUntil ?? null }));
      return 0;
    }
    const until = found.hostileUntil === undefined ? '' : ` until ${localTime(found.hostileUntil)}`;
    print(`${found.subject}  ${found.standing}${until}  score ${found.score.toFixed(1)} of 11.5`);
    if (found.protection !== undefined) print(`  never blocked: ${plain(found.protection)}`);
    print(found.everGood ? '  good mail or logins came from there' : '  no good mail or login is known from there');
    for (const receipt of found.inForce) print(`  ${actionLine(receipt)}`);
    return 0;
  });

export const standingCommand: Command = {
  name: 'standing',
  usage: 'postern standing ADDRESS',
  summary: 'How an address stands now: score, end of its conviction, what is in force, why it is never blocked.',
  options: [jsonOption, ...deskOptions],
  examples: ['postern standing 203.0.113.7'],
  operandsMin: 1,
  operandsMax: 1,
  run: whereKnown(run),
};
