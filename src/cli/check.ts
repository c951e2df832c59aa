/** `check`: is the server really asking, and what could an outsider do there? */
import { connect } from 'node:net';
import { once } from 'node:events';
import { readConfig } from '../guard/config.ts';
import { checkAsking, checkHardening } from '../guard/check.ts';
import type { CheckTarget, Finding } from '../guard/check.ts';
import { probeKey } from '../guard/probe.ts';
import { hostAndPort, listenAt } from '../guard/setting.ts';
import { hookNames } from '../guard/settings.ts';
import type { Values } from '../guard/settings.ts';
import { Fault } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, stateOf } from './desk.ts';

export const findingMarks: Readonly<Record<Finding['state'], string>> = { proven: '✓', wrong: '✗', 'not-proven': '~' };
const print = (text: string): void => void process.stdout.write(`${text}\n`);

const answers = async (at: { host: string; port: number } | { path: string }): Promise<boolean> => {
  const socket = connect(at);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(2000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

const requireGuard = async (values: Values): Promise<void> => {
  for (const name of hookNames) {
    const at = listenAt(values.get(`${name}.listen`));
    if (at !== undefined && at !== 'off' && (await answers(at))) return;
  }
  throw new Fault(
    'GUARD_NOT_REACHABLE',
    'no guard answers on any of its hooks: start it (postern run), or name its configuration (--config)',
  );
};

/** @throws Fault USAGE */
const targetOf = (text: string, { options }: Call): CheckTarget => {
  const at = hostAndPort(text);
  if (at === undefined) throw new Fault('USAGE', `${plain(text)}: expected HOST:PORT`);
  return { ...at, from: options.get('from'), recipient: options.get('recipient') ?? 'postmaster' };
};

type Checked = { readonly target: string; readonly findings: readonly Finding[] };

const tell = (call: Call, checked: readonly Checked[]): number => {
  const all = checked.flatMap(({ findings }) => findings);
  if (call.options.has('json')) print(anyJson({ version: 1, checked }));
  else
    for (const { target, findings } of checked) {
      print(plain(target));
      for (const { id, state, words } of findings) print(`  ${findingMarks[state]} ${id.padEnd(20)} ${plain(words)}`);
    }
  const count = (state: Finding['state']): number => all.filter((finding) => finding.state === state).length;
  if (!call.options.has('json'))
    print(`${count('proven')} of ${all.length} proven, ${count('wrong')} wrong, ${count('not-proven')} not proven.`);
  return count('wrong') > 0 || !all.some(({ id, state }) => id.startsWith('asked') && state === 'proven') ? 5 : 0;
};

const run = async (call: Call): Promise<number> => {
  const { values } = readConfig(call.options.get('config'));
  await requireGuard(values);
  const key = probeKey(stateOf(call, values));
  const targets = call.operands.length > 0 ? call.operands : ['127.0.0.1:25'];
  const checked: Checked[] = [];
  for (const text of targets) {
    const target = targetOf(text, call);
    const findings = [...(await checkAsking(target, key)), ...(await checkHardening(target))];
    checked.push({ target: text, findings });
  }
  return tell(call, checked);
};

export const checkCommand: Command = {
  name: 'check',
  usage: 'postern check [HOST:PORT…]',
  summary: 'Is the server really asking, and does it obey? And what could an outsider do there? No message is sent.',
  options: [
    {
      name: 'from',
      value: 'ADDRESS',
      sentence: 'Come from this address of this machine: one that the server does not exempt.',
    },
    { name: 'recipient', value: 'ADDRESS', sentence: 'A recipient that exists; postmaster (default).' },
    jsonOption,
    ...deskOptions,
  ],
  examples: ['postern check', 'postern check 192.0.2.25:25 --from 192.0.2.25 --recipient postmaster@example.org'],
  operandsMin: 0,
  operandsMax: 20,
  run,
};
