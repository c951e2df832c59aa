import { configSchema, readConfig } from '../guard/config.ts';
import { settings } from '../guard/settings.ts';
import { Fault } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import type { Call, Command } from './command.ts';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

const check = (file: string | undefined, asJson: boolean): number => {
  if (file === undefined) throw new Fault('USAGE', 'postern config check FILE: which file?');
  readConfig(file);
  print(asJson ? anyJson({ file, good: true }) : `${plain(file)}: good`);
  return 0;
};

const show = (file: string | undefined, asJson: boolean): number => {
  const { values, origins } = readConfig(file);
  if (asJson) {
    print(anyJson(Object.fromEntries(values)));
    return 0;
  }
  for (const setting of settings) {
    print(
      `${setting.key}: ${plain(JSON.stringify(values.get(setting.key)))}  # ${origins.get(setting.key) ?? 'default'}; ${setting.sentence} (${setting.form})`,
    );
  }
  return 0;
};

const run = (call: Call): Promise<number> => {
  const [what, file] = call.operands;
  switch (what ?? '') {
    case 'check':
      return Promise.resolve(check(file, call.options.has('json')));
    case 'show':
      return Promise.resolve(show(file, call.options.has('json')));
    case 'schema':
      print(anyJson(configSchema()));
      return Promise.resolve(0);
    default:
      throw new Fault('USAGE', `postern config ${plain(what ?? '')}: expected check, show or schema`);
  }
};

export const configCommand: Command = {
  name: 'config',
  usage: 'postern config check|show|schema [FILE]',
  summary: 'Check a configuration, show what holds and where it comes from, or print its JSON Schema for editors.',
  options: [{ name: 'json', sentence: 'check, show: one JSON document instead of text.' }],
  examples: ['postern config check /etc/postern/postern.yaml', 'postern config show'],
  operandsMin: 1,
  operandsMax: 2,
  run: async (call) => run(call),
};
