/** `setup`: lets a mail server ask the guard; shows every line first, and takes it back to the byte. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setup } from '../act/setup.ts';
import type { SetupWanted } from '../act/setup.ts';
import { undo } from '../act/recover.ts';
import { readConfig } from '../guard/config.ts';
import { endpointsOf } from '../guard/endpoints.ts';
import { Fault } from '../model/fault.ts';
import type { CarryOut } from '../model/verb.ts';
import type { Change } from '../servers/change.ts';
import { setUpDovecot } from '../servers/dovecot/setup.ts';
import { eximInclude, setUpExim } from '../servers/exim/setup.ts';
import { setUpPostfix, setUpPostfixMilter } from '../servers/postfix/setup.ts';
import { sendmailMcLine, setUpSendmail } from '../servers/sendmail/setup.ts';
import type { Endpoints } from '../servers/wiring.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { actByHand, actingOptions } from './acting.ts';
import type { Call, Command } from './command.ts';
import { atDesk, whoAsks } from './desk.ts';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** The configuration file of each server, where distributions put it. */
const usualFiles = new Map<string, readonly string[]>([
  ['postfix', ['/etc/postfix/main.cf']],
  ['exim', ['/etc/exim4/exim4.conf', '/etc/exim/exim.conf', '/etc/exim.conf', '/etc/exim4/exim4.conf.template']],
  ['sendmail', ['/etc/mail/sendmail.cf']],
  ['dovecot', ['/etc/dovecot/dovecot.conf']],
]);

const fileOf = (server: string, call: Call): string => {
  const named = call.options.get('file');
  const file = named ?? usualFiles.get(server)?.find((path) => existsSync(path));
  if (file === undefined || !existsSync(file))
    throw new Fault('INPUT_UNREADABLE', `no configuration of ${server} is here: name it (--file PATH)`);
  return file;
};

const firstLineOf = async (
  carryOut: CarryOut,
  program: 'postconf' | 'doveconf',
  args: readonly string[],
): Promise<string> =>
  carryOut({ verb: 'run', program, args }).then(
    ({ stdout }) => stdout.split('\n')[0] ?? '',
    () => '',
  );

type Plan = {
  readonly change: Change;
  readonly check: SetupWanted['check'];
  readonly reload: SetupWanted['reload'];
  /** What a person does besides. */
  readonly advice: readonly string[];
  readonly more?: SetupWanted['files'];
};

/** A folder that is not the usual one is told to the server's tools. */
const folderArgs = (file: string): readonly string[] => (dirname(file) === '/etc/postfix' ? [] : ['-c', dirname(file)]);

const planPostfix = async (
  file: string,
  text: string,
  endpoints: Endpoints,
  carryOut: CarryOut,
  asMilter: boolean,
): Promise<Plan> => {
  const version = await firstLineOf(carryOut, 'postconf', ['-dh', 'mail_version']);
  const major = Number(/^(\d+)\./.exec(version)?.[1] ?? 3);
  return {
    change: (asMilter ? setUpPostfixMilter : setUpPostfix)(text, endpoints, major),
    check: [{ program: 'postfix', args: [...folderArgs(file), 'check'] }],
    reload: [{ program: 'postfix', args: [...folderArgs(file), 'reload'] }],
    advice: [
      `a service in master.cf with its own "-o ${asMilter ? 'smtpd_milters' : 'smtpd_sender_restrictions'}" keeps its own`,
      ...(asMilter ? [] : ['as a milter instead: postern setup postfix --milter']),
    ],
  };
};

const planDovecot = async (text: string, endpoints: Endpoints, carryOut: CarryOut): Promise<Plan> => {
  const line = await firstLineOf(carryOut, 'doveconf', ['-n']);
  const version = /^# (\d+\.\d+\.\d+)/.exec(line)?.[1] ?? '2.4.0';
  return {
    change: setUpDovecot(text, endpoints, version, randomBytes(16).toString('hex')),
    check: [{ program: 'doveconf', args: ['-n'] }],
    reload: [{ program: 'doveadm', args: ['reload'] }],
    advice: [],
  };
};

const planFor = async (
  server: string,
  file: string,
  text: string,
  endpoints: Endpoints,
  carryOut: CarryOut,
  asMilter: boolean,
): Promise<Plan> => {
  switch (server) {
    case 'postfix':
      return planPostfix(file, text, endpoints, carryOut, asMilter);
    case 'dovecot':
      return planDovecot(text, endpoints, carryOut);
    case 'sendmail':
      return {
        change: setUpSendmail(text, endpoints),
        check: [],
        reload: [],
        advice: [
          'restart Sendmail: it reads sendmail.cf at its start',
          `so that the next build keeps it, in sendmail.mc: ${sendmailMcLine(endpoints.milter)}`,
        ],
      };
    default: {
      const include = join(dirname(file), 'postern.acl');
      return {
        change: setUpExim(text, include),
        check: [],
        reload: [],
        advice: ['restart Exim, or send its daemon a HUP'],
        more: [{ path: include, change: () => eximInclude(endpoints) }],
      };
    }
  }
};

const takeBack = (call: Call, server: string): Promise<number> =>
  atDesk(call, async (desk) => {
    const ids = desk.receipts.inForce('setup', server).map(({ id }) => id);
    if (ids.length === 0) throw new Fault('USAGE', `${server} was not set up by Postern (postern actions)`);
    const kept = await undo(ids, whoAsks(), desk);
    print(
      call.options.has('json')
        ? anyJson({ server, undone: ids, kept })
        : `${server}: as it was${kept === '' ? '' : `; ${plain(kept)}`}`,
    );
    return kept === '' ? 0 : 5;
  });

/** cPanel builds Exim's configuration itself; its own places for additions are named, nothing is written. */
const tellCpanel = (endpoints: Endpoints): number => {
  print('cPanel builds exim.conf: in WHM, Exim Configuration Manager, Advanced Editor, paste');
  print('  section ACL (custom_begin_acl, or /etc/exim.conf.local @ACLBLOCK@):');
  for (const line of eximInclude(endpoints).split('\n')) print(`    ${line}`);
  print('  custom_begin_connect, custom_begin_mail, custom_begin_rcpt: require acl = postern_connect (mail, rcpt)');
  print('then: postern check');
  return 0;
};

const run = async (call: Call): Promise<number> => {
  const [server = ''] = call.operands;
  const { values } = readConfig(call.options.get('config'));
  const endpoints = endpointsOf(values);
  if (server === 'cpanel') return tellCpanel(endpoints);
  if (!usualFiles.has(server))
    throw new Fault('USAGE', `postern setup ${plain(server)}: expected ${[...usualFiles.keys(), 'cpanel'].join(', ')}`);
  if (call.options.has('undo')) return takeBack(call, server);
  const file = fileOf(server, call);
  const { change, check, reload, advice, more } = await atDesk(call, ({ carryOut }) =>
    planFor(server, file, readFileSync(file, 'latin1'), endpoints, carryOut, call.options.has('milter')),
  );
  if (change.kind === 'nothing') {
    print(
      call.options.has('json')
        ? anyJson({ server, file, change: 'nothing' })
        : `${server} is set up already: postern check`,
    );
    return 0;
  }
  if (change.kind === 'by-hand') throw new Fault('REFUSED_FOR_SAFETY', `${file}: ${change.why}`);
  const { text, lines } = change;
  const wanted: SetupWanted = {
    server,
    files: [...(more ?? []), { path: file, change: () => text }],
    lines,
    check,
    reload,
  };
  const options = call.options.has('apply') ? call.options : new Map([...call.options, ['dry-run', 'true']]);
  const status = await actByHand({ ...call, options }, setup, [wanted], undefined);
  if (!call.options.has('json')) {
    for (const line of advice) print(`then: ${plain(line)}`);
    print(
      call.options.has('apply')
        ? `prove it: postern check; take it back: postern setup ${server} --undo`
        : `do it: postern setup ${server} --apply`,
    );
  }
  return status;
};

export const setupCommand: Command = {
  name: 'setup',
  usage: 'postern setup postfix|exim|sendmail|dovecot|cpanel [--apply|--undo]',
  summary:
    'Lets a mail server ask the guard: shows the lines; --apply writes them, --undo takes them back to the byte.',
  options: [
    {
      name: 'apply',
      sentence: 'Write; Postfix and Dovecot check it and are reloaded, and what they find wrong is taken back at once.',
    },
    { name: 'undo', sentence: 'As it was before.' },
    {
      name: 'milter',
      sentence: 'Postfix only: as a milter, which also hears the recipients that Postfix refuses itself.',
    },
    { name: 'file', value: 'PATH', sentence: 'The configuration file, where it is not at its usual place.' },
    ...actingOptions,
  ],
  examples: ['postern setup postfix', 'sudo postern setup postfix --apply', 'sudo postern setup postfix --undo'],
  operandsMin: 1,
  operandsMax: 1,
  run,
};
