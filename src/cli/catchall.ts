/** `catchall audit|lock|restore`: what happens to names that do not exist, and the switch under attack. */
import { catchAllLock } from '../act/catchall-lock.ts';
import { undo } from '../act/recover.ts';
import { auditCatchAlls } from '../guard/catch-alls/audit.ts';
import { accepts } from '../guard/catch-alls/places.ts';
import { proveLocked } from '../guard/catch-alls/proof.ts';
import type { ProofTarget } from '../guard/catch-alls/proof.ts';
import { Fault, faultCodes } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { actByHand, actingOptions, forOption, untilOf } from './acting.ts';
import { zoneOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { placeOptions, placesOf } from './catchall-places.ts';
import { auditCatchAllsHere } from './catchall-audit.ts';
import { atDesk, whoAsks } from './desk.ts';

const lockSeconds = 6 * 3600;

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** undefined: all. */
const chosenDomains = (call: Call, attacked: readonly string[]): readonly string[] | undefined => {
  const named = call.options.get('domains')?.toLowerCase().split(',');
  if (!call.options.has('attacked')) return named;
  if (attacked.length === 0) throw new Fault('USAGE', 'no domain is under a dictionary attack now (postern incidents)');
  return [...attacked, ...(named ?? [])];
};

const targetOf = (call: Call): ProofTarget => {
  const text = call.options.get('probe') ?? '127.0.0.1:25';
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  if (colon <= 0 || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Fault('USAGE', `--probe ${plain(text)}: expected HOST:PORT`);
  return { host: text.slice(0, colon).replaceAll(/^\[|\]$/g, ''), port };
};

/** Says what the server answers now; 5 when it still takes a name that nobody has. */
const prove = (call: Call, locked: readonly Locked[]): Promise<number> =>
  atDesk(call, async ({ carryOut }) => {
    const proofs = await proveLocked(locked, targetOf(call), carryOut);
    const words = { refused: 'refuses', accepted: 'STILL TAKES', 'not-proven': 'not proven for' } as const;
    // With --json standard output is one document.
    const say = call.options.has('json')
      ? (text: string): void => void process.stderr.write(`postern: ${text}\n`)
      : print;
    for (const { domain, asked, state, words: answer } of proofs)
      say(`${asked} ${words[state]} an unknown name at ${plain(domain)}: ${plain(answer)}`);
    return proofs.some(({ state }) => state === 'accepted') ? faultCodes.PARTLY_DONE : 0;
  });

type Locked = { readonly server: string; readonly domain: string };

const lock = async (call: Call): Promise<number> => {
  const until = untilOf(call, lockSeconds);
  targetOf(call); // a wrong --probe is said before anything is done
  const { locked, wanted } = await atDesk(call, async ({ carryOut, incidents }) => {
    const attacked = incidents
      .open()
      .filter(({ attack }) => attack === 'dictionary' || attack === 'backscatter')
      .flatMap(({ targets }) => targets.filter(({ kind }) => kind === 'recipient-domain').map(({ value }) => value));
    const domains = chosenDomains(call, attacked);
    const open = (await auditCatchAlls(placesOf(call), carryOut)).filter(accepts);
    const ours = open.filter(
      ({ domain, file }) => file !== undefined && (domain === '' || (domains?.includes(domain) ?? true)),
    );
    const files = new Map(ours.flatMap(({ file }) => (file === undefined ? [] : [[file.path, file] as const])));
    return {
      locked: ours,
      wanted: [...files.values()].map(({ path, format, fileDomain, map }) => ({
        path,
        format,
        fileDomain,
        map,
        domains,
      })),
    };
  });
  if (wanted.length === 0) {
    print(call.options.has('json') ? anyJson({ actions: [] }) : 'nothing to lock: unknown names are refused already');
    return 0;
  }
  const code = await actByHand(call, catchAllLock, wanted, until);
  return code !== 0 || call.options.has('dry-run') ? code : prove(call, locked);
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

const verbs = new Map([
  ['audit', auditCatchAllsHere],
  ['lock', lock],
  ['restore', restore],
]);

export const catchallCommand: Command = {
  name: 'catchall',
  usage: 'postern catchall audit [LOG…] | lock | restore',
  summary:
    'What happens to names that do not exist, for every domain; lock: refuse them at SMTP time; restore: as it was.',
  options: [
    { name: 'domains', value: 'A,B', sentence: 'lock: these domains only.' },
    { name: 'attacked', sentence: 'lock: the domains that open incidents are about.' },
    {
      name: 'probe',
      value: 'HOST:PORT',
      sentence: 'lock: where the server is asked afterwards (127.0.0.1:25).',
    },
    { ...forOption, sentence: 'lock: how long: 30m, 6h (default), 7d; then restored by itself.' },
    ...placeOptions,
    zoneOption,
    ...actingOptions,
  ],
  examples: ['postern catchall audit', 'postern catchall lock --attacked --for 6h', 'postern catchall restore'],
  operandsMin: 1,
  operandsMax: Infinity,
  run: (call) => {
    const verb = verbs.get(call.operands[0] ?? '');
    if (verb === undefined)
      throw new Fault(
        'USAGE',
        `postern catchall ${plain(call.operands[0] ?? '')}: expected ${[...verbs.keys()].join(', ')}`,
      );
    if (call.operands.length > 1 && call.operands[0] !== 'audit')
      throw new Fault('USAGE', `postern catchall ${plain(call.operands[0] ?? '')}: only audit reads logs`);
    return verb(call);
  },
};
