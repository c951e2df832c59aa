/** `setup`: lets a mail server ask the guard; shows every line first, and takes it back to the byte. */
import { setup } from '../act/setup.ts';
import { undo } from '../act/recover.ts';
import { readConfig } from '../guard/config.ts';
import { endpointsOf } from '../guard/endpoints.ts';
import { planSetup, printedLines, setupServers } from '../guard/setup/plans.ts';
import type { SetupAsk } from '../guard/setup/plans.ts';
import { Fault } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { actByHand, actingOptions } from './acting.ts';
import type { Call, Command } from './command.ts';
import { atDesk, stateOf, whoAsks } from './desk.ts';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

const takeBack = (call: Call, server: string): Promise<number> =>
  atDesk(call, async (desk) => {
    // A later one stands on what an earlier one wrote, and is taken back before that is asked.
    const ids = desk.receipts
      .inForce('setup', server)
      .toSorted((a, b) => b.made - a.made)
      .map(({ id }) => id);
    if (ids.length === 0) throw new Fault('USAGE', `${server} was not set up by Postern (postern actions)`);
    if (call.options.has('dry-run')) {
      print(
        call.options.has('json') ? anyJson({ dryRun: true, server, undone: ids }) : `would be undone: ${ids.join(' ')}`,
      );
      return 0;
    }
    const told: string[] = [];
    for (const id of ids) told.push(await undo([id], whoAsks(), desk));
    const kept = told.filter((part) => part !== '').join('; ');
    print(
      call.options.has('json')
        ? anyJson({ server, undone: ids, kept })
        : `${server}: ${kept === '' ? 'as it was' : `Postern's lines are out; ${plain(kept)}`}`,
    );
    return kept === '' ? 0 : 5;
  });

type Wish = Omit<SetupAsk, 'carryOut'>;

/** cPanel builds Exim's configuration itself; its own places for additions are named, nothing is written. */
const tellCpanel = (call: Call, ask: Wish): number => {
  const acls = printedLines('exim', ask);
  const begins = ['connect', 'mail', 'rcpt'].map((stage) => ({
    place: `custom_begin_${stage}`,
    line: `require acl = postern_${stage}`,
  }));
  if (call.options.has('json')) {
    print(anyJson({ server: 'cpanel', place: 'custom_begin_acl', lines: acls, begins }));
    return 0;
  }
  print('cPanel builds exim.conf: in WHM, Exim Configuration Manager, Advanced Editor, paste');
  print('  section ACL (custom_begin_acl, or /etc/exim.conf.local @ACLBLOCK@):');
  for (const line of acls) print(`    ${line}`);
  for (const { place, line } of begins) print(`  ${place}: ${line}`);
  print('then: postern check');
  return 0;
};

const tellLines = (call: Call, server: string, ask: Wish): number => {
  const lines = printedLines(server, ask);
  if (call.options.has('json')) print(anyJson({ server, lines }));
  else for (const line of lines) print(line);
  return 0;
};

/** Shows what would be done, or does it. */
const setUp = async (call: Call, server: string, ask: Wish): Promise<number> => {
  const { file, wanted, advice } = await atDesk(call, ({ carryOut }) => planSetup(server, { ...ask, carryOut }));
  if (wanted === undefined) {
    const asJson = call.options.has('json');
    print(asJson ? anyJson({ server, file, change: 'nothing' }) : `${server} is set up already: postern check`);
    return 0;
  }
  const options = call.options.has('apply') ? call.options : new Map([...call.options, ['dry-run', 'true']]);
  const status = await actByHand({ ...call, options }, setup, [wanted], undefined);
  if (call.options.has('json')) return status;
  for (const line of advice) print(`note: ${plain(line)}`);
  print(
    call.options.has('apply')
      ? `prove it: postern check ${server}; take it back: postern setup ${server} --undo`
      : `do it: postern setup ${server} --apply`,
  );
  return status;
};

const run = async (call: Call): Promise<number> => {
  const [server = ''] = call.operands;
  const { values } = readConfig(call.options.get('config'));
  const ask = {
    endpoints: endpointsOf(values, stateOf(call, values)),
    values,
    file: call.options.get('file'),
    asMilter: call.options.has('milter'),
    withLimits: call.options.has('limits'),
  };
  const ways = ['apply', 'print', 'undo'].filter((way) => call.options.has(way));
  if (ways.length > 1) throw new Fault('USAGE', `--${ways.join(' and --')} contradict each other: choose one`);
  if (server === 'cpanel') return tellCpanel(call, ask);
  if (!setupServers.includes(server))
    throw new Fault('USAGE', `postern setup ${plain(server)}: expected ${[...setupServers, 'cpanel'].join(', ')}`);
  if (call.options.has('undo')) return takeBack(call, server);
  return call.options.has('print') ? tellLines(call, server, ask) : setUp(call, server, ask);
};

export const setupCommand: Command = {
  name: 'setup',
  usage: 'postern setup postfix|exim|sendmail|dovecot|cpanel [--print|--apply|--undo]',
  summary:
    'Lets a mail server ask the guard: shows the lines; --apply writes them, --undo takes them back to the byte.',
  options: [
    {
      name: 'apply',
      sentence: 'Write; the server checks it and is reloaded, and what it finds wrong is taken back at once.',
    },
    { name: 'print', sentence: 'Only the lines, for a configuration that is made elsewhere; nothing is read or kept.' },
    { name: 'undo', sentence: 'As it was before.' },
    {
      name: 'limits',
      sentence:
        "Postfix and Exim: also their own limits of one client's connections (gate.limits), where they have none yet.",
    },
    {
      name: 'milter',
      sentence: 'Postfix only: as a milter, which also hears the recipients that Postfix refuses itself.',
    },
    { name: 'file', value: 'PATH', sentence: 'The configuration file, where it is not at its usual place.' },
    ...actingOptions,
  ],
  examples: [
    'postern setup postfix',
    'sudo postern setup postfix --limits --apply',
    'sudo postern setup postfix --undo',
  ],
  operandsMin: 1,
  operandsMax: 1,
  run,
};
