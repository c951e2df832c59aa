import { forwardOff } from '../act/forward-off.ts';
import { performAll } from '../act/perform.ts';
import { undo } from '../act/recover.ts';
import { analyze } from '../guard/analyze.ts';
import { forwardsNamed } from '../guard/queue/forward-loop.ts';
import { Fault } from '../model/fault.ts';
import type { SenderReport } from '../model/report.ts';
import { findAliases } from '../sense/aliases/find.ts';
import type { FoundAliases } from '../sense/aliases/find.ts';
import { isOutside, readAliases, switchedOff } from '../servers/aliases/alias-file.ts';
import { aliasLoops } from '../servers/aliases/alias-loops.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { styleFor } from '../show/text/style.ts';
import { grouped, table } from '../show/text/table.ts';
import { jsonOption, zoneOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { atDesk, deskOptions, whoAsks } from './desk.ts';
import { startReading } from './reading.ts';

type Forward = {
  readonly address: string;
  readonly targets: readonly string[];
  readonly path: string;
  readonly isOff: boolean;
  readonly recipients: number;
  readonly bounced: number;
};

const forwardsIn = (
  { files, localDomains }: FoundAliases,
  costs: ReadonlyMap<string, SenderReport>,
): readonly Forward[] => {
  const local = new Set(localDomains);
  return files
    .flatMap(({ path, format, text }) => [
      ...readAliases(text, format).map(({ key, targets }) => ({
        address: key,
        targets: targets.filter((target) => isOutside(target, local)),
        path,
        isOff: false,
      })),
      ...switchedOff(text).map((address) => ({ address, targets: [], path, isOff: true })),
    ])
    .filter(({ targets, isOff }) => isOff || targets.length > 0)
    .map((forward) => {
      const cost = costs.get(forward.address.toLowerCase());
      return { ...forward, recipients: cost?.recipients ?? 0, bounced: cost?.bounced ?? 0 };
    })
    .toSorted((a, b) => b.recipients - a.recipients);
};

const costsIn = async (call: Call, logs: readonly string[]): Promise<ReadonlyMap<string, SenderReport>> => {
  if (logs.length === 0) return new Map();
  const reading = startReading(call, logs);
  const { senders } = await analyze(reading.options).finally(reading.done);
  return new Map(senders.filter(({ kind }) => kind === 'forward').map((row) => [row.value.toLowerCase(), row]));
};

const list = async (call: Call, logs: readonly string[]): Promise<number> => {
  const found = await findAliases();
  const forwards = forwardsIn(found, await costsIn(call, logs));
  const loops = aliasLoops(found.files.flatMap(({ text, format }) => readAliases(text, format)));
  if (call.options.has('json')) {
    process.stdout.write(`${anyJson({ version: 1, forwards, loops, unread: found.unread })}\n`);
    return 0;
  }
  const rows = table(
    forwards,
    [
      { title: 'sent on', right: true, text: (row) => grouped(row.recipients) },
      { title: 'bounced', right: true, text: (row) => grouped(row.bounced) },
      { title: 'alias', text: (row) => plain(row.address) },
      { title: 'to', text: (row) => (row.isOff ? '(switched off)' : plain(row.targets.join(', '))) },
      { title: 'in', text: (row) => plain(row.path) },
    ],
    styleFor(process.stdout, process.env).width,
  );
  for (const line of rows.length === 0 ? ['No alias sends mail to other servers.'] : rows)
    process.stdout.write(`${line}\n`);
  for (const loop of loops)
    process.stdout.write(`LOOP: ${plain([...loop, loop[0] ?? ''].join(' -> '))}: mail for these reaches nobody\n`);
  if (logs.length === 0 && rows.length > 0) process.stdout.write('Name mail logs to see what they cost.\n');
  for (const map of found.unread) process.stderr.write(`postern: ${plain(map)} is no file that can be read here\n`);
  return 0;
};

const off = async (call: Call, address: string): Promise<number> => {
  const wanted = await forwardsNamed(address);
  const why = call.options.get('why') ?? 'forward switched off';
  const order = { who: whoAsks(), why, until: undefined, incident: undefined };
  return atDesk(call, async (desk) => {
    const done = await performAll(forwardOff, wanted, order, desk);
    const lines = [...done.flatMap(({ plan }) => plan.lines), `done (on again: postern forwards on ${address})`];
    for (const line of lines) process.stdout.write(`${plain(line)}\n`);
    return 0;
  });
};

const on = (call: Call, address: string): Promise<number> =>
  atDesk(call, async (desk) => {
    const ids = desk.receipts.inForce('forward-off', address.toLowerCase()).map(({ id }) => id);
    if (ids.length === 0)
      throw new Fault('USAGE', `${plain(address)} was not switched off by Postern (postern forwards)`);
    const kept = await undo(ids, whoAsks(), desk);
    process.stdout.write(`${plain(address)} is on again${kept === '' ? '' : `; ${plain(kept)}`}\n`);
    return 0;
  });

const run = async (call: Call): Promise<number> => {
  const [what, address] = call.operands;
  if (what !== 'off' && what !== 'on') return list(call, call.operands);
  if (address === undefined) throw new Fault('USAGE', `postern forwards ${what} ADDRESS: which alias?`);
  return what === 'off' ? off(call, address) : on(call, address);
};

export const forwardsCommand: Command = {
  name: 'forwards',
  usage: 'postern forwards [LOG…] | off ADDRESS | on ADDRESS',
  summary: 'Aliases that send local mail to other servers, and what they cost; off and on again.',
  options: [{ name: 'why', value: 'TEXT', sentence: 'For the record.' }, jsonOption, zoneOption, ...deskOptions],
  examples: ['postern forwards /var/log/mail.log', 'postern forwards off info@example.org'],
  operandsMin: 0,
  operandsMax: Infinity,
  run,
};
