/** `block`, `unblock` and `allow`: addresses and networks by hand. */
import { accessEntry } from '../act/access-entry.ts';
import { allowance, firewallBlock } from '../act/firewall.ts';
import { undo } from '../act/recover.ts';
import { blastRadius } from '../guard/acting/blast-radius.ts';
import { readConfig } from '../guard/config.ts';
import { Fault } from '../model/fault.ts';
import { createOverlap } from '../model/address-set.ts';
import { firewallSubject } from '../model/firewall.ts';
import type { Receipt } from '../model/receipt.ts';
import { mapFormatNames } from '../servers/access-map.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { actByHand, actingOptions, confirmByOf, confirmOption, forOption, untilOf } from './acting.ts';
import type { Call, Command } from './command.ts';
import { atDesk, isKnown, readAtDesk, stateOf, whereKnown, whoAsks } from './desk.ts';

const subjectsMax = 20_000;
const notedMax = 5;
const remoteNote = 'not sure? --confirm 2m: the kernel takes it back unless you say postern accept';

/** `postfix-hash:/etc/postfix/access` */
const blockInMap = (call: Call, map: string, until: number): Promise<number> => {
  const colon = map.indexOf(':');
  const wanted = call.operands.map((subject) => ({
    subject,
    format: map.slice(0, Math.max(0, colon)),
    path: map.slice(colon + 1),
    tag: call.options.get('tag') ?? 'Connect',
    value: call.options.get('answer'),
  }));
  return actByHand(call, accessEntry, wanted, until);
};

/** It could be taken back, but what stood there before could not be put in its place. */
const refuseToRenew = (call: Call, kind: 'firewall-block' | 'allowance'): Promise<void> =>
  readAtDesk(call, ({ receipts }) => {
    for (const text of call.operands) {
      const [standing] = receipts.inForce(kind, firewallSubject(text) ?? text);
      if (standing !== undefined)
        throw new Fault('USAGE', `${plain(text)} has one already (${standing.id}): without --confirm it is renewed`);
    }
  });

const block = async (call: Call): Promise<number> => {
  const until = untilOf(call);
  const map = call.options.get('map');
  const confirmBy = confirmByOf(call, until);
  if (map !== undefined && confirmBy !== undefined)
    throw new Fault('USAGE', '--confirm: only the firewall takes a change back by itself, a map does not');
  if (map !== undefined) return blockInMap(call, map, until);
  if (confirmBy !== undefined) await refuseToRenew(call, 'firewall-block');
  const state = stateOf(call, readConfig(call.options.get('config')).values);
  await isKnown(state);
  const radius = await Promise.all(call.operands.slice(0, notedMax).map((subject) => blastRadius(state, subject)));
  const isUnsure = confirmBy === undefined && process.env['SSH_CONNECTION'] !== undefined;
  const notes = [...radius.flat(), ...(isUnsure ? [remoteNote] : [])];
  return actByHand(
    call,
    firewallBlock,
    call.operands.map((subject) => ({ subject, until, confirmBy })),
    confirmBy ?? until,
    notes,
  );
};

export const blockCommand: Command = {
  name: 'block',
  usage: 'postern block [--for TIME] ADDRESS|NETWORK…',
  summary: 'Drops what comes to a mail port from an address or network; ends by itself.',
  options: [
    forOption,
    confirmOption,
    {
      name: 'map',
      value: 'FORMAT:PATH',
      sentence: `An access map instead of the firewall: ${mapFormatNames.join(', ')}.`,
    },
    { name: 'answer', value: 'TEXT', sentence: 'What the map answers: REJECT (default), "450 later", a rate.' },
    { name: 'tag', value: 'TAG', sentence: 'Sendmail: Connect (default), ClientRate, ClientConn, GreetPause.' },
    ...actingOptions,
  ],
  examples: [
    'postern block 203.0.113.7 --for 2h --why "guesses passwords"',
    'postern block --dry-run 2001:db8::/48',
    'postern block 198.51.100.0/24 --confirm 2m',
    'postern block 203.0.113.7 --map postfix-hash:/etc/postfix/client_access',
  ],
  operandsMin: 1,
  operandsMax: subjectsMax,
  run: block,
};

/** The blocks in force that lie within an address or network, or hold it. */
const blocksAround = (receipts: readonly Receipt[], subject: string): readonly Receipt[] => {
  const touches = createOverlap([{ network: subject }]);
  return receipts.filter(({ kind, subject: other }) => kind === 'firewall-block' && touches(other) !== undefined);
};

const lengthOf = (subject: string): number => Number(subject.split('/')[1] ?? 128);

const unblock = (call: Call): Promise<number> =>
  atDesk(call, async (desk) => {
    const inForce = desk.receipts.inState('done', 'open', 'undoing');
    const lifted: Receipt[] = [];
    for (const text of call.operands) {
      const subject = firewallSubject(text);
      if (subject === undefined) throw new Fault('USAGE', `${plain(text)}: expected an address or a network`);
      const around = blocksAround(inForce, subject);
      const within = around.filter(
        (receipt) => receipt.subject === subject || lengthOf(receipt.subject) >= lengthOf(subject),
      );
      const wider = around.find((receipt) => !within.includes(receipt));
      if (wider !== undefined)
        throw new Fault(
          'USAGE',
          `${subject} is blocked with ${wider.subject}: postern unblock ${wider.subject}, or let it through: postern allow ${subject}`,
        );
      if (within.length === 0) throw new Fault('USAGE', `${subject} is not blocked by Postern (postern actions)`);
      lifted.push(...within);
    }
    const ids = [...new Set(lifted.map(({ id }) => id))];
    if (!call.options.has('dry-run')) await undo(ids, whoAsks(), desk);
    const words = call.options.has('dry-run') ? 'would be lifted' : 'lifted';
    if (call.options.has('json'))
      process.stdout.write(`${anyJson({ dryRun: call.options.has('dry-run'), lifted: ids })}\n`);
    else for (const { id, subject } of lifted) process.stdout.write(`${words}: ${subject} (${id})\n`);
    return 0;
  });

export const unblockCommand: Command = {
  name: 'unblock',
  usage: 'postern unblock ADDRESS|NETWORK…',
  summary: 'Lifts the blocks of an address or of all in a network.',
  options: actingOptions.filter(({ name }) => name !== 'why'),
  examples: ['postern unblock 203.0.113.7'],
  operandsMin: 1,
  operandsMax: subjectsMax,
  run: whereKnown(unblock),
};

/** An allowance lifts what is blocked within it. */
const liftWithin = (call: Call, subjects: readonly string[]): Promise<void> =>
  atDesk(call, async (desk) => {
    const inForce = desk.receipts.inState('done', 'open', 'undoing');
    const within = subjects.flatMap((subject) =>
      blocksAround(inForce, subject).filter((receipt) => lengthOf(receipt.subject) >= lengthOf(subject)),
    );
    const ids = [...new Set(within.map(({ id }) => id))];
    if (ids.length > 0) await undo(ids, whoAsks(), desk);
  });

const allow = async (call: Call): Promise<number> => {
  const until = untilOf(call, 30 * 86_400);
  const confirmBy = confirmByOf(call, until);
  if (confirmBy !== undefined) await refuseToRenew(call, 'allowance');
  // An allowance wins over blocks that stay; what may be taken back must leave them as they are.
  else if (!call.options.has('dry-run'))
    await liftWithin(
      call,
      call.operands.flatMap((text) => firewallSubject(text) ?? []),
    );
  return actByHand(
    call,
    allowance,
    call.operands.map((subject) => ({ subject, until, confirmBy })),
    confirmBy ?? until,
  );
};

export const allowCommand: Command = {
  name: 'allow',
  usage: 'postern allow [--for TIME] ADDRESS|NETWORK…',
  summary: 'Lets an address or network through, whatever is blocked around it, for 30 days or --for.',
  options: [
    { ...forOption, sentence: 'How long: 4h, 30d (default); for ever: `protect` in the configuration.' },
    confirmOption,
    ...actingOptions,
  ],
  examples: ['postern allow 198.51.100.20 --why "our newsletter host"'],
  operandsMin: 1,
  operandsMax: subjectsMax,
  run: allow,
};
