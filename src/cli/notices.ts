import { readConfig } from '../guard/config.ts';
import { testNotices } from '../guard/notices/channels.ts';
import { Fault, faultCodes } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { configOption } from './desk.ts';

const run = async (call: Call): Promise<number> => {
  if (call.operands[0] !== 'test')
    throw new Fault('USAGE', 'postern notices test: what else there is to say is in the configuration');
  const results = await testNotices(readConfig(call.options.get('config')).values);
  if (results.length === 0)
    throw new Fault('CONFIG', 'no notice goes anywhere yet: set notices.mailTo, notices.webhook or notices.syslog');
  if (call.options.has('json')) process.stdout.write(`${anyJson(results)}\n`);
  else for (const { channel, text } of results) process.stdout.write(`${channel.padEnd(8)} ${plain(text)}\n`);
  return results.every(({ taken }) => taken) ? 0 : faultCodes.PARTLY_DONE;
};

export const noticesCommand: Command = {
  name: 'notices',
  usage: 'postern notices test [--config FILE]',
  summary: 'Sends a test notice by mail, webhook and syslog, and says who took it.',
  options: [configOption, jsonOption],
  examples: ['postern notices test --config /etc/postern/postern.yaml'],
  operandsMin: 1,
  operandsMax: 1,
  run,
};
