/** Which arguments each program may have: a list of forms, each argument by argument. What fits no form is not run. */
import { keySets } from '../model/firewall.ts';
import type { Program } from '../model/verb.ts';
import type { Allowance } from './allowance.ts';
import { rootOf } from './files/folder.ts';

type Fits = (argument: string, allowance: Allowance) => boolean;
type Form = {
  readonly begin: readonly (string | Fits)[];
  /** Any number more of these. */
  readonly more?: Fits;
};

const argumentsMax = 2000;
const argumentLengthMax = 1024;

const matches =
  (pattern: RegExp): Fits =>
  (argument) =>
    pattern.test(argument);
const isPath: Fits = (argument, allowance) => {
  try {
    rootOf(argument, allowance);
    return true;
  } catch {
    return false;
  }
};
/** `-C/etc/mail/sendmail.cf` */
const isCPath: Fits = (argument, allowance) => argument.startsWith('-C/') && isPath(argument.slice(2), allowance);
/** `hash:/etc/postfix/access` */
const isMap: Fits = (argument, allowance) => {
  const colon = argument.indexOf(':');
  return /^[a-z]{2,12}$/.test(argument.slice(0, colon)) && isPath(argument.slice(colon + 1), allowance);
};

const parameter = matches(/^[A-Za-z0-9_]{1,100}$/);
const service = matches(/^[A-Za-z0-9_.:*[\]-]{1,200}(\/[A-Za-z0-9_*-]{1,100}){0,2}$/);
const queueId = matches(/^[0-9A-Za-z]{4,24}$/);
const eximId = matches(/^[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}$/);
const queueName = matches(/^(incoming|active|deferred|hold|maildrop|corrupt)$/);
const account = matches(/^[A-Za-z0-9_][A-Za-z0-9_.+@=-]{0,250}$/);
/** Never root: that would lock the administrator out, or let somebody in. */
const systemUser = matches(/^(?!root$)[a-z_][a-z0-9_.-]{0,31}\$?$/);
const mailAddress = matches(/^[^\s\p{Cc}-][^\s\p{Cc}]{0,320}$/u);
const client = matches(/^[0-9a-fA-F.:/]{2,49}$/);
const setting = matches(/^[a-z][a-z0-9_/]{0,100}$/);
const mapType = matches(/^(hash|btree|dbm|cdb|lmdb)$/);
const text = matches(/^[^\p{Cc}-]\P{Cc}{0,500}$/u);

const nftSet: Fits = (argument) => keySets.some(({ name }) => name === argument);

/** Programs that take a configuration folder before everything else. */
const withConfig = (forms: readonly Form[]): readonly Form[] => [
  ...forms,
  ...forms.map(({ begin, ...rest }) => ({ begin: ['-c', isPath, ...begin], ...rest })),
];

const whichQueue = matches(/^-A[mc]$/);
const oneMessage = matches(/^-qI[0-9A-Za-z]{4,24}$/);

const forms: Readonly<Record<Program, readonly Form[]>> = {
  nft: [
    { begin: ['-f', '-'] },
    { begin: ['-c', '-f', '-'] },
    { begin: ['-j', 'list', 'table', 'inet', 'postern'] },
    { begin: ['-j', '-t', 'list', 'table', 'inet', 'postern'] },
    { begin: ['-j', 'list', 'set', 'inet', 'postern', nftSet] },
    { begin: ['-j', '-t', 'list', 'ruleset'] },
    { begin: ['--version'] },
  ],
  postconf: withConfig([
    { begin: ['-h'], more: parameter },
    { begin: ['-hx'], more: parameter },
    { begin: ['-x'], more: parameter },
    { begin: ['-d'], more: parameter },
    { begin: ['-dh'], more: parameter },
    { begin: ['-n'], more: parameter },
    { begin: ['-M'], more: service },
    { begin: ['-P'], more: service },
    { begin: ['-F'], more: service },
    { begin: ['-m'] },
    { begin: [], more: parameter },
  ]),
  postfix: withConfig([{ begin: ['check'] }, { begin: ['reload'] }, { begin: ['status'] }]),
  postmap: withConfig([{ begin: [isMap] }, { begin: ['-q', text, isMap] }, { begin: ['-s', isMap] }]),
  postqueue: withConfig([{ begin: ['-j'] }, { begin: ['-p'] }, { begin: ['-f'] }, { begin: ['-i', queueId] }]),
  // Never `ALL`: what is purged is named.
  postsuper: withConfig(
    ['-h', '-H', '-d', '-r', '-e'].flatMap((flag) => [
      { begin: [flag, queueId], more: queueId },
      { begin: [flag, '-'] },
      { begin: [flag, queueId, queueName] },
      { begin: [flag, '-', queueName] },
    ]),
  ),
  postcat: withConfig([{ begin: ['-q', queueId] }, { begin: [matches(/^-[ehbomv]{1,4}q$/), queueId] }]),
  exim: [
    { begin: ['-bV'] },
    { begin: ['-bpc'] },
    { begin: ['-bp'] },
    { begin: ['-bpr'] },
    { begin: ['-bpu'] },
    { begin: ['-bP'], more: setting },
    { begin: ['-bt', mailAddress] },
    { begin: ['-C', isPath, '-bV'] },
    ...['-Mf', '-Mt', '-Mrm', '-M', '-Mg'].map((flag) => ({ begin: [flag, eximId], more: eximId })),
    ...['-Mvh', '-Mvb', '-Mvl', '-Mvc'].map((flag) => ({ begin: [flag, eximId] })),
  ],
  // Checks what it makes before it takes the place of the old one.
  'update-exim4.conf': [{ begin: [] }],
  'sendmail-mta': [{ begin: [isCPath, '-bt'] }],
  sendmail: [
    { begin: ['-bp'] },
    { begin: ['-bv', mailAddress] },
    { begin: ['-q'] },
    { begin: [matches(/^-qQ?I[0-9A-Za-z]{4,24}$/)] },
    { begin: [matches(/^-qI[0-9A-Za-z]{4,24}$/), matches(/^-Q[A-Za-z0-9 ._-]{0,80}$/)] },
    { begin: [matches(/^-Q[A-Za-z0-9 ._-]{0,80}$/), matches(/^-qQ?I[0-9A-Za-z]{4,24}$/)] },
    { begin: [matches(/^-qQI[0-9A-Za-z]{4,24}$/), '-Q'] },
    // Many at once: quarantined, let go, tried. `-A` chooses the queue of the daemon or of the submission program.
    { begin: [whichQueue, matches(/^-Q[A-Za-z0-9 ._-]{1,80}$/), oneMessage], more: oneMessage },
    { begin: [whichQueue, '-qQ', '-Q', oneMessage], more: oneMessage },
    { begin: [whichQueue, oneMessage], more: oneMessage },
  ],
  makemap: ['', '-C'].flatMap((flag) => {
    const first: readonly (string | Fits)[] = flag === '' ? [] : [flag, isPath];
    return [{ begin: [...first, mapType, isPath] }, { begin: [...first, '-u', mapType, isPath] }];
  }),
  newaliases: [{ begin: [] }],
  doveconf: withConfig([
    { begin: ['-n'] },
    { begin: ['-N'] },
    { begin: ['-h'], more: setting },
    { begin: [], more: setting },
  ]),
  doveadm: withConfig([
    { begin: ['kick', account] },
    { begin: ['kick', account, client] },
    { begin: ['who'] },
    { begin: ['who', account] },
    { begin: ['reload'] },
    { begin: ['user', account] },
    { begin: ['auth', 'cache', 'flush', account] },
    { begin: ['user', '*'] },
    { begin: ['-f', 'tab', 'quota', 'get', '-A'] },
  ]),
  usermod: [{ begin: ['-L', systemUser] }, { begin: ['-U', systemUser] }],
  passwd: [{ begin: ['-S', systemUser] }],
};

const fitsForm = ({ begin, more }: Form, args: readonly string[], allowance: Allowance): boolean =>
  args.length >= begin.length &&
  args.every((argument, at) => {
    const wanted = begin[at] ?? more;
    return typeof wanted === 'string' ? wanted === argument : wanted?.(argument, allowance) === true;
  });

export const mayHaveArguments = (program: Program, args: readonly string[], allowance: Allowance): boolean =>
  args.length <= argumentsMax &&
  args.every((argument) => argument.length <= argumentLengthMax) &&
  forms[program].some((form) => fitsForm(form, args, allowance));
