/** `catchall audit|lock|restore`: what happens to names that do not exist, and the switch under attack. */
import { catchAllLock } from '../act/catchall-lock.ts';
import { undo } from '../act/recover.ts';
import { accepts, auditCatchAlls, usualPlaces } from '../guard/catch-alls.ts';
import type { Audited, MapPlaces } from '../guard/catch-alls.ts';
import { Fault } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { table } from '../show/text/table.ts';
import type { Column } from '../show/text/table.ts';
import { actByHand, actingOptions, forOption, untilOf } from './acting.ts';
import type { Call, Command, Option } from './command.ts';
import { atDesk, whoAsks } from './desk.ts';

const lockSeconds = 6 * 3600;

export const placesOf = ({ options }: Call): MapPlaces => {
  const folders = (name: string, usual: readonly string[]): readonly string[] => options.get(name)?.split(',') ?? usual;
  return {
    valiases: folders('valiases', usualPlaces.valiases),
    domainAliases: folders('vdomainaliases', usualPlaces.domainAliases),
    postfix: options.get('postfix') ?? usualPlaces.postfix,
    virtusertable: options.get('virtusertable') ?? usualPlaces.virtusertable,
  };
};

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const nameOf = (domain: string): string => (domain === '' ? '(every local domain)' : domain);

const audit = (call: Call): Promise<number> =>
  atDesk(call, async ({ carryOut }) => {
    const audited = await auditCatchAlls(placesOf(call), carryOut);
    const open = audited.filter(accepts);
    if (call.options.has('json')) {
      const rows = audited.map(({ server, domain, fate, target, decidedBy, advice }) => ({
        server,
        domain,
        fate,
        target,
        decidedBy,
        advice: advice ?? null,
      }));
      print(anyJson({ version: 1, accepting: open.length, catchAlls: rows }));
    } else printAudit(audited, open);
    return open.length === 0 ? 0 : 1;
  });

const columns: readonly Column<Audited>[] = [
  { title: 'domain', text: ({ domain }) => plain(nameOf(domain)) },
  { title: 'unknown names are', text: ({ fate }) => fate },
  { title: 'to', text: ({ target }) => plain(target) },
  { title: 'decided by', text: ({ decidedBy }) => plain(decidedBy) },
];

const printAudit = (audited: readonly Audited[], open: readonly Audited[]): void => {
  const unknown = audited.filter(({ fate }) => fate === 'unknown');
  const refusing = audited.length - open.length - unknown.length;
  for (const line of table(open, columns, process.stdout.columns || 120)) print(line);
  for (const { target, decidedBy, advice } of [...unknown, ...open])
    if (advice !== undefined) print(`${plain(decidedBy)} ${plain(target)}: ${advice}`);
  print(`${open.length} accept unknown names, ${refusing} refuse them at SMTP time.`);
  if (open.length > 0)
    print('postern catchall lock --for 6h switches them to a refusal; postern catchall restore puts them back.');
};

/** undefined: all. */
const chosenDomains = (call: Call, attacked: readonly string[]): readonly string[] | undefined => {
  const named = call.options.get('domains')?.toLowerCase().split(',');
  if (!call.options.has('attacked')) return named;
  if (attacked.length === 0) throw new Fault('USAGE', 'no domain is under a dictionary attack now (postern incidents)');
  return [...attacked, ...(named ?? [])];
};

const lock = async (call: Call): Promise<number> => {
  const until = untilOf(call, lockSeconds);
  const wanted = await atDesk(call, async ({ carryOut, incidents }) => {
    const attacked = incidents
      .open()
      .filter(({ attack }) => attack === 'dictionary' || attack === 'backscatter')
      .flatMap(({ targets }) => targets.filter(({ kind }) => kind === 'recipient-domain').map(({ value }) => value));
    const domains = chosenDomains(call, attacked);
    const open = (await auditCatchAlls(placesOf(call), carryOut)).filter(accepts);
    const ours = open.filter(({ domain }) => domain === '' || (domains?.includes(domain) ?? true));
    const files = new Map(ours.flatMap(({ file }) => (file === undefined ? [] : [[file.path, file] as const])));
    return [...files.values()].map(({ path, format, fileDomain, map }) => ({ path, format, fileDomain, map, domains }));
  });
  if (wanted.length === 0) {
    print(call.options.has('json') ? anyJson({ actions: [] }) : 'nothing to lock: unknown names are refused already');
    return 0;
  }
  return actByHand(call, catchAllLock, wanted, until);
};

const restore = (call: Call): Promise<number> =>
  atDesk(call, async (desk) => {
    const locks = desk.receipts.inForce('catchall-lock');
    const kept =
      locks.length === 0
        ? ''
        : await undo(
            locks.map(({ id }) => id),
            whoAsks(),
            desk,
          );
    if (call.options.has('json')) print(anyJson({ restored: locks.map(({ id, subject }) => ({ id, path: subject })) }));
    else {
      for (const { subject } of locks) print(`restored: ${plain(subject)}`);
      if (locks.length === 0) print('nothing is locked');
    }
    if (kept !== '') process.stderr.write(`postern: ${plain(kept)}\n`);
    return kept === '' ? 0 : 5;
  });

export const placeOptions: readonly Option[] = [
  { name: 'valiases', value: 'DIR', sentence: 'Exim: the folder of alias files, one a domain.' },
  { name: 'vdomainaliases', value: 'DIR', sentence: 'Exim: the folder of domain aliases.' },
  { name: 'postfix', value: 'DIR', sentence: "Postfix's configuration folder." },
  { name: 'virtusertable', value: 'FILE', sentence: "Sendmail's virtusertable." },
];

const verbs = new Map([
  ['audit', audit],
  ['lock', lock],
  ['restore', restore],
]);

export const catchallCommand: Command = {
  name: 'catchall',
  usage: 'postern catchall audit|lock|restore',
  summary:
    'What happens to names that do not exist, for every domain; lock: refuse them at SMTP time; restore: as it was.',
  options: [
    { name: 'domains', value: 'A,B', sentence: 'lock: these domains only.' },
    { name: 'attacked', sentence: 'lock: the domains that open incidents are about.' },
    { ...forOption, sentence: 'lock: how long: 30m, 6h (default), 7d; then restored by itself.' },
    ...placeOptions,
    ...actingOptions,
  ],
  examples: ['postern catchall audit', 'postern catchall lock --attacked --for 6h', 'postern catchall restore'],
  operandsMin: 1,
  operandsMax: 1,
  run: (call) => {
    const verb = verbs.get(call.operands[0] ?? '');
    if (verb === undefined)
      throw new Fault(
        'USAGE',
        `postern catchall ${plain(call.operands[0] ?? '')}: expected ${[...verbs.keys()].join(', ')}`,
      );
    return verb(call);
  },
};
