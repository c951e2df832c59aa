/** What setting a server up means here: which files change, how the server checks them, how it is made to read them. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { SetupWanted } from '../../act/setup.ts';
import { Fault } from '../../model/fault.ts';
import type { CarryOut } from '../../model/verb.ts';
import type { Change } from '../../servers/change.ts';
import { setUpDovecot } from '../../servers/dovecot/setup.ts';
import { eximInclude, setUpExim } from '../../servers/exim/setup.ts';
import { limitPostfix, setUpPostfix, setUpPostfixMilter } from '../../servers/postfix/setup.ts';
import { sendmailMc, setUpSendmail, setUpSendmailMc } from '../../servers/sendmail/setup.ts';
import type { Endpoints } from '../../servers/wiring.ts';
import type { Values } from '../settings.ts';
import { requirePort } from '../endpoints.ts';
import { eximPlace } from './exim-layout.ts';

export type SetupAsk = {
  readonly endpoints: Endpoints;
  readonly values: Values;
  readonly carryOut: CarryOut;
  /** The configuration file, where it is not at its usual place. */
  readonly file: string | undefined;
  readonly asMilter: boolean;
  /** Also the server's own limits of a client's connections. */
  readonly withLimits: boolean;
};

export type Planned = {
  /** What is shown as the configuration. */
  readonly file: string;
  /** undefined: it asks already. */
  readonly wanted: SetupWanted | undefined;
  /** What a person does besides. */
  readonly advice: readonly string[];
};

/** The first that is there. @throws Fault INPUT_UNREADABLE */
const fileOf = (server: string, named: string | undefined, usual: string): string => {
  const file = named ?? usual;
  if (!existsSync(file))
    throw new Fault('INPUT_UNREADABLE', `no configuration of ${server} is here: name it (--file PATH)`);
  return file;
};

const firstLineOf = (carryOut: CarryOut, program: 'postconf' | 'doveconf', args: readonly string[]): Promise<string> =>
  carryOut({ verb: 'run', program, args }).then(
    ({ stdout }) => stdout.split('\n')[0] ?? '',
    () => '',
  );

type Changed = Extract<Change, { readonly kind: 'changed' }>;

/** @throws Fault REFUSED_FOR_SAFETY for what a person has to do */
const orNothing = (file: string, change: Change): Changed | undefined => {
  if (change.kind === 'by-hand') throw new Fault('REFUSED_FOR_SAFETY', `${file}: ${change.why}`);
  return change.kind === 'nothing' ? undefined : change;
};

/** A folder that is not the usual one is told to the server's tools. */
const folderArgs = (file: string): readonly string[] => (dirname(file) === '/etc/postfix' ? [] : ['-c', dirname(file)]);

/** The later one begins where the first ended. */
const bothOf = (first: Changed | undefined, then: Changed | undefined): Changed | undefined =>
  first === undefined || then === undefined
    ? (then ?? first)
    : { kind: 'changed', text: then.text, lines: [...first.lines, ...then.lines] };

const limitOf = (values: Values, key: string): number => Number(values.get(key));
const limitsOf = (values: Values): Parameters<typeof sendmailMc>[1] => ({
  connectionsPerMinute: limitOf(values, 'gate.limits.connectionsPerMinute'),
  connectionsAtOnce: limitOf(values, 'gate.limits.connectionsAtOnce'),
  recipientsPerMessage: limitOf(values, 'gate.limits.recipientsPerMessage'),
  unknownBeforeDelay: limitOf(values, 'gate.limits.unknownBeforeDelay'),
  greetPauseMs: limitOf(values, 'gate.greetPauseMs'),
});

const planPostfix = async ({
  endpoints,
  values,
  carryOut,
  file: named,
  asMilter,
  withLimits,
}: SetupAsk): Promise<Planned> => {
  const file = fileOf('postfix', named, '/etc/postfix/main.cf');
  const version = await firstLineOf(carryOut, 'postconf', ['-dh', 'mail_version']);
  const major = Number(/^(\d+)\./.exec(version)?.[1] ?? 3);
  const text = readFileSync(file, 'latin1');
  const asking = orNothing(file, (asMilter ? setUpPostfixMilter : setUpPostfix)(text, endpoints, major));
  const limiting = withLimits ? orNothing(file, limitPostfix(asking?.text ?? text, limitsOf(values))) : undefined;
  const change = bothOf(asking, limiting);
  return {
    file,
    wanted: change && {
      server: 'postfix',
      files: [{ path: file, change: () => change.text }],
      lines: change.lines,
      check: [{ program: 'postfix', args: [...folderArgs(file), 'check'] }],
      reload: [
        {
          program: 'postfix',
          args: [...folderArgs(file), 'reload'],
          isRunning: { program: 'postfix', args: [...folderArgs(file), 'status'] },
        },
      ],
    },
    advice: [
      `a service in master.cf with its own "-o ${asMilter ? 'smtpd_milters' : 'smtpd_sender_restrictions'}" keeps its own`,
      ...(asMilter ? [] : ['as a milter instead: postern setup postfix --milter']),
    ],
  };
};

const dovecotMain = '/etc/dovecot/dovecot.conf';

/** Debian's dovecot.conf reads conf.d: a file of our own there leaves those of the package alone. */
const dovecotFile = (named: string | undefined): string => {
  if (named !== undefined) return named;
  const main = fileOf('dovecot', undefined, dovecotMain);
  const reads = readFileSync(main, 'latin1')
    .split('\n')
    .some((line) => /^\s*!include(_try)?\s+conf\.d\/\*\.conf/.test(line));
  return reads && existsSync('/etc/dovecot/conf.d') ? '/etc/dovecot/conf.d/99-postern.conf' : main;
};

const planDovecot = async ({ endpoints, carryOut, file: named }: SetupAsk): Promise<Planned> => {
  const file = dovecotFile(named);
  const isMain = basename(file) === 'dovecot.conf' && file !== dovecotMain;
  const { stdout } = await carryOut({ verb: 'run', program: 'doveconf', args: ['-n'] }).catch(() => ({ stdout: '' }));
  const version = /^# (\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? '2.4.0';
  const own = existsSync(file) ? readFileSync(file, 'latin1') : '';
  const nonce = randomBytes(16).toString('hex');
  // What other files say counts as well, unless another Dovecot is meant.
  if (!isMain && orNothing(file, setUpDovecot(stdout, endpoints, version, nonce)) === undefined)
    return { file, wanted: undefined, advice: [] };
  const change = orNothing(file, setUpDovecot(own, endpoints, version, nonce));
  return {
    file,
    wanted: change && {
      server: 'dovecot',
      files: [{ path: file, change: () => change.text }],
      lines: change.lines,
      check: [{ program: 'doveconf', args: [...(isMain ? ['-c', file] : []), '-n'] }],
      reload: [
        {
          program: 'doveadm',
          args: [...(isMain ? ['-c', file] : []), 'reload'],
          isRunning: { program: 'doveadm', args: [...(isMain ? ['-c', file] : []), 'who'] },
        },
      ],
    },
    advice: [],
  };
};

const planSendmail = ({ endpoints, values, file: named }: SetupAsk): Planned => {
  const file = fileOf('sendmail', named, '/etc/mail/sendmail.cf');
  const change = orNothing(file, setUpSendmail(readFileSync(file, 'latin1'), endpoints));
  const source = join(dirname(file), 'sendmail.mc');
  const mc = existsSync(source)
    ? orNothing(source, setUpSendmailMc(readFileSync(source, 'latin1'), endpoints))
    : undefined;
  const { mc: features, access } = sendmailMc(endpoints, limitsOf(values));
  return {
    file,
    wanted: change && {
      server: 'sendmail',
      files: [
        ...(mc === undefined ? [] : [{ path: source, change: () => mc.text }]),
        { path: file, change: () => change.text },
      ],
      lines: [...(mc?.lines ?? []), ...change.lines],
      check: [{ program: 'sendmail-mta', args: [`-C${file}`, '-bt'] }],
      reload: [{ hangUp: 'sendmail' }],
    },
    advice: [
      `with Postern's limits, in ${source} before its MAILER lines: ${features.slice(0, -1).join(' ')}`,
      `and in its access map: ${access.map((line) => line.replace('\t', ' ')).join(', ')}`,
      ...(mc === undefined && !existsSync(source) ? [`so that the next build keeps it: ${features.at(-1) ?? ''}`] : []),
    ],
  };
};

const planExim = ({ endpoints, values, file: named, withLimits }: SetupAsk): Planned => {
  const place = eximPlace(named);
  if (place === undefined)
    throw new Fault('INPUT_UNREADABLE', 'no configuration of exim is here: name it (--file PATH)');
  const change = setUpExim(place, withLimits ? limitsOf(values) : undefined);
  if (change.kind === 'by-hand') throw new Fault('REFUSED_FOR_SAFETY', `${place.file}: ${change.why}`);
  const generate = place.isGenerated ? [{ program: 'update-exim4.conf', args: [] } as const] : [];
  const isUsual = place.isGenerated || named === undefined;
  const acls = eximInclude(endpoints);
  const { files, lines } = change.kind === 'changed' ? change : { files: [], lines: [`${place.include}, anew`] };
  // They may be of an older Postern, or ask at another port.
  const isNow = existsSync(place.include) && readFileSync(place.include, 'latin1') === acls;
  return {
    file: place.file,
    wanted:
      change.kind === 'nothing' && isNow
        ? undefined
        : {
            server: 'exim',
            files: [{ path: place.include, text: acls }, ...files].map(({ path, text }) => ({
              path,
              change: () => text,
            })),
            lines,
            check: [...generate, { program: 'exim', args: [...(isUsual ? [] : ['-C', place.file]), '-bV'] }],
            reload: [...generate, { hangUp: 'exim' }],
          },
    advice: [],
  };
};

const hookOf = (server: string, asMilter: boolean): Parameters<typeof requirePort>[1] => {
  if (server === 'postfix') return asMilter ? 'milter' : 'policy';
  if (server === 'sendmail') return 'milter';
  return server === 'dovecot' ? 'authPolicy' : 'readsocket';
};

const plans = new Map<string, (ask: SetupAsk) => Planned | Promise<Planned>>([
  ['postfix', planPostfix],
  ['exim', planExim],
  ['sendmail', planSendmail],
  ['dovecot', planDovecot],
]);
export const setupServers: readonly string[] = [...plans.keys()];

/** @throws Fault when there is no configuration, or a person has to do it */
export const planSetup = async (server: string, ask: SetupAsk): Promise<Planned> => {
  const plan = plans.get(server);
  if (plan === undefined) throw new Fault('USAGE', `expected one of ${setupServers.join(', ')}`);
  requirePort(ask.endpoints, hookOf(server, ask.asMilter));
  return plan(ask);
};

/** The lines for a configuration that is made elsewhere: by a panel, by Ansible. */
export const printedLines = (
  server: string,
  { endpoints, values, asMilter }: Omit<SetupAsk, 'carryOut'>,
): readonly string[] => {
  requirePort(endpoints, hookOf(server, asMilter));
  const { mc, access } = sendmailMc(endpoints, limitsOf(values));
  const linesOf = (change: Change): readonly string[] => (change.kind === 'changed' ? change.lines : []);
  const all = new Map<string, () => readonly string[]>([
    ['postfix', () => linesOf((asMilter ? setUpPostfixMilter : setUpPostfix)('', endpoints, 3))],
    ['exim', () => eximInclude(endpoints).split('\n')],
    ['sendmail', () => [...mc, ...access]],
    ['dovecot', () => linesOf(setUpDovecot('', endpoints, '2.3.0', 'make-one-with-openssl-rand-hex-16'))],
  ]);
  return all.get(server)?.() ?? [];
};
