import { once } from 'node:events';
import { readConfig } from '../guard/config.ts';
import { carryOutHere } from '../guard/desk.ts';
import { userNamed } from '../helper/allowance.ts';
import { serveHelper } from '../helper/serve.ts';
import { Fault } from '../model/fault.ts';
import { plain } from '../show/text/plain.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, stateOf } from './desk.ts';

const run = async (call: Call): Promise<number> => {
  const { values } = readConfig(call.options.get('config'));
  const socket = call.options.get('socket') ?? String(values.get('helper.socket'));
  if (!socket.startsWith('/')) throw new Fault('USAGE', 'where? --socket PATH, or helper.socket in the configuration');
  const name = call.options.get('user') ?? 'postern';
  const user = userNamed(name);
  if (user === undefined) throw new Fault('USAGE', `there is no user ${plain(name)} in /etc/passwd`);
  const serving = await serveHelper(socket, user, carryOutHere(values, stateOf(call, values)));
  process.stdout.write(`helper: ${plain(socket)}, for ${plain(name)} alone\n`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await serving.stop();
  return 0;
};

export const helperCommand: Command = {
  name: 'helper',
  usage: 'postern helper [--socket PATH] [--user NAME]',
  summary: 'The only part that needs root: carries out a short list of verbs for the guard, over a socket.',
  options: [
    { name: 'socket', value: 'PATH', sentence: 'Where the guard asks; else helper.socket of the configuration.' },
    { name: 'user', value: 'NAME', sentence: 'Who may open the socket (postern).' },
    ...deskOptions,
  ],
  examples: ['postern helper --user postern --config /etc/postern/postern.yaml'],
  operandsMin: 0,
  operandsMax: 0,
  run,
};
