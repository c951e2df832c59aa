import { durationSeconds } from '../guard/settings.ts';
import { remainsOf, remainsWords } from '../guard/queue/remains.ts';
import { Fault } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, readAtDesk } from './desk.ts';

const daySeconds = 86_400;

const run = (call: Call): Promise<number> =>
  readAtDesk(call, async (desk) => {
    const [account = ''] = call.operands;
    const named = call.options.get('since');
    const seconds = named === undefined ? daySeconds : durationSeconds(named);
    if (seconds === undefined) throw new Fault('USAGE', `--since ${plain(named ?? '')}: expected 90m, 12h, 3d`);
    const remains = await remainsOf(account, desk.now() - seconds * 1000, desk.carryOut);
    const words = remainsWords(remains);
    const lines = call.options.has('json')
      ? [anyJson({ version: 1, ...remains })]
      : [plain(account), ...(words.length === 0 ? ['  nothing'] : words.map((line) => `  ${plain(line)}`))];
    for (const line of lines) process.stdout.write(`${line}\n`);
    return 0;
  });

export const remainsCommand: Command = {
  name: 'remains',
  usage: 'postern remains [--since TIME] ACCOUNT',
  summary: 'What a thief may have left: open sessions, passwords, forwards, sieve scripts, and which of them are new.',
  options: [
    { name: 'since', value: 'TIME', sentence: 'Filters that changed in this time are new: 12h, 3d; 1d without it.' },
    jsonOption,
    ...deskOptions,
  ],
  examples: ['postern remains nicole@example.org', 'postern remains --since 3d nicole@example.org'],
  operandsMin: 1,
  operandsMax: 1,
  run,
};
