/** `gate check|report`: what an outsider could do at a mail server that the user names. */
import { checkHardening, seeBareNewlines } from '../guard/check/hardening.ts';
import { trustOf } from '../guard/check/machine.ts';
import { hostAndPort } from '../guard/setting.ts';
import { Fault } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { stateMarks } from './asks.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions } from './desk.ts';
import { reportGate } from './gate-report.ts';

const run = async (call: Call): Promise<number> => {
  const [verb = '', text = ''] = call.operands;
  const at = hostAndPort(text);
  if (verb === 'report' && call.operands.length === 1) return reportGate(call);
  if (verb !== 'check' || at === undefined)
    throw new Fault('USAGE', 'expected: postern gate check HOST:PORT, or postern gate report');
  const target = { ...at, from: call.options.get('from'), recipient: call.options.get('recipient') ?? 'postmaster' };
  const trustedBecause = call.options.has('from') ? undefined : trustOf(undefined, at.host);
  const onlooker = { target, helo: 'check.invalid', trustedBecause };
  const findings = [
    ...(await checkHardening(onlooker)),
    ...(call.options.has('message') ? [await seeBareNewlines(onlooker, true)] : []),
  ];
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (call.options.has('json')) print(anyJson({ version: 1, target: text, findings }));
  else for (const { id, state, words } of findings) print(`${stateMarks[state]} ${id.padEnd(20)} ${plain(words)}`);
  return findings.every(({ state }) => state === 'proven') ? 0 : 5;
};

export const gateCommand: Command = {
  name: 'gate',
  usage: 'postern gate check HOST:PORT | report',
  summary:
    'What could an outsider do at this server (check), and what do the answers of our gate do to attackers (report)? No message is sent without --message.',
  options: [
    { name: 'from', value: 'ADDRESS', sentence: 'Come from this address of this machine.' },
    {
      name: 'recipient',
      value: 'ADDRESS',
      sentence: 'A recipient that exists there: its domain is tried for names that do not.',
    },
    {
      name: 'message',
      sentence:
        'Also try bare line ends (SMTP smuggling): a server that takes one has a message for the recipient then.',
    },
    jsonOption,
    ...deskOptions,
  ],
  examples: ['postern gate check 192.0.2.25:25 --recipient postmaster@example.org', 'postern gate report'],
  operandsMin: 1,
  operandsMax: 2,
  run,
};
