/** `postern import`: the lists of another tool as a configuration, with what differs. Changes nothing. */
import { importFrom, importNames } from '../guard/peers/read.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';

const run = (call: Call): Promise<number> => {
  const [tool = '', path] = call.operands;
  const { allow, deny, differs, skipped } = importFrom(tool, path, Date.now());
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  if (call.options.has('json')) print(anyJson({ allow, deny, differs, skipped }));
  else if (call.options.has('blocks')) for (const { network } of deny) print(network);
  else {
    print(`# From ${plain(tool)}: add this to the configuration of Postern.`);
    print(allow.length === 0 ? 'protect: []' : 'protect:');
    for (const network of allow) print(`  - "${network}"`);
    print('# What was shut out by itself there is only noted at first; see docs/actions.md.');
    print('actions:\n  firewall: suggest');
    if (deny.length > 0)
      print(
        `# Shut out there: ${deny.length}. Here, too, for a while: postern import ${plain(tool)}${path === undefined ? '' : ` ${plain(path)}`} --blocks | xargs postern block --for 7d`,
      );
    for (const sentence of differs) print(`# differs: ${plain(sentence)}`);
    for (const sentence of skipped) print(`# not taken over: ${plain(sentence)}`);
  }
  return Promise.resolve(0);
};

export const importCommand: Command = {
  name: 'import',
  usage: `postern import ${importNames.join('|')} [PATH]`,
  summary: 'The allow and deny lists of another tool as a configuration, and what differs. Changes nothing.',
  options: [{ name: 'blocks', sentence: 'Only whom it shuts out, one a line, for postern block.' }, jsonOption],
  examples: [
    'postern import fail2ban',
    'postern import csf --blocks | xargs postern block --for 7d',
    'postern import access-map /etc/postfix/client_access',
  ],
  operandsMin: 1,
  operandsMax: 2,
  run,
};
