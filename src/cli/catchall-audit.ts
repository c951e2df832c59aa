/** `catchall audit`: what happens to names that do not exist, which setting decides it, and what it has cost in the last day. */
import { auditCatchAlls } from '../guard/catch-alls/audit.ts';
import { createCosts, namesMax } from '../guard/catch-alls/cost.ts';
import type { Costs } from '../guard/catch-alls/cost.ts';
import { accepts } from '../guard/catch-alls/places.ts';
import type { Audited } from '../guard/catch-alls/places.ts';
import { readLogs } from '../guard/read-logs.ts';
import type { CarryOut } from '../model/verb.ts';
import { findLogs } from '../sense/logs/find.ts';
import { catchAllFormat } from '../servers/catch-all.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { counted, table } from '../show/text/table.ts';
import type { Column } from '../show/text/table.ts';
import { placesOf } from './catchall-places.ts';
import type { Call } from './command.ts';
import { atDesk } from './desk.ts';
import { startReading } from './reading.ts';

const dayMs = 86_400_000;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const nameOf = (domain: string): string => (domain === '' ? '(every local domain)' : domain);

/** Undefined: there is no log to tell. A log that is rotated at night tells less than a day: the one before is read, too. */
const costsOf = async (call: Call, open: readonly Audited[], carryOut: CarryOut): Promise<Costs | undefined> => {
  const named = call.operands.slice(1);
  const found = (await findLogs('/')).filter(({ readable }) => readable);
  const paths = named.length > 0 ? named : found.flatMap(({ path, older }) => [...older.slice(-1), path]);
  if (paths.length === 0 || open.length === 0) return undefined;
  const listed = new Map<string, ReadonlySet<string>>();
  for (const { domain, file } of open) {
    if (file === undefined) continue;
    const seen = await carryOut({ verb: 'read-file', path: file.path });
    const text = Buffer.from(seen?.bytes ?? []).toString('latin1');
    listed.set(domain, catchAllFormat(file.format)?.listed(text, file.fileDomain) ?? new Set());
  }
  const domains = new Set(open.map(({ domain }) => domain));
  const costs = createCosts(
    domains,
    Date.now() - dayMs,
    (domain, address) => listed.get(domain)?.has(address) === true,
  );
  const reading = startReading(call, paths);
  await readLogs(reading.options, costs.tell).finally(reading.done);
  return costs;
};

const costText = (costs: Costs | undefined, domain: string): string => {
  const cost = costs?.of(domain);
  if (costs === undefined || domain === '') return '';
  if (cost === undefined) return 'nothing';
  const atLeast = cost.names.size >= namesMax ? 'at least ' : '';
  const bounces = cost.bounces === 0 ? '' : `, ${counted(cost.bounces, 'bounce')}`;
  return `${counted(cost.messages, 'message')} to ${atLeast}${counted(cost.names.size, 'name')}${bounces}`;
};

const columnsOf = (costs: Costs | undefined): readonly Column<Audited>[] => [
  { title: 'domain', text: ({ domain }) => plain(nameOf(domain)) },
  { title: 'unknown names are', text: ({ fate }) => fate },
  { title: 'to', text: ({ target }) => plain(target) },
  ...(costs === undefined
    ? []
    : [{ title: 'in the last day', text: ({ domain }: Audited) => costText(costs, domain) }]),
  { title: 'decided by', text: ({ decidedBy }) => plain(decidedBy) },
];

const printAudit = (audited: readonly Audited[], open: readonly Audited[], costs: Costs | undefined): void => {
  const unknown = audited.filter(({ fate }) => fate === 'unknown');
  const refusing = audited.length - open.length - unknown.length;
  for (const line of table(open, columnsOf(costs), process.stdout.columns || 120)) print(line);
  for (const { target, decidedBy, advice } of [...unknown, ...open])
    if (advice !== undefined) print(`${plain(decidedBy)} ${plain(target)}: ${plain(advice)}`);
  print(`${open.length} accept unknown names, ${refusing} refuse them at SMTP time.`);
  if (open.some(({ file }) => file !== undefined))
    print('postern catchall lock --for 6h switches them to a refusal; postern catchall restore puts them back.');
};

const costJson = (costs: Costs | undefined, domain: string): object | null => {
  if (costs === undefined || domain === '') return null;
  const cost = costs.of(domain);
  return { messages: cost?.messages ?? 0, names: cost?.names.size ?? 0, bounces: cost?.bounces ?? 0 };
};

/** 1 where something accepts. */
export const auditCatchAllsHere = (call: Call): Promise<number> =>
  atDesk(call, async ({ carryOut }) => {
    const audited = await auditCatchAlls(placesOf(call), carryOut);
    const open = audited.filter(accepts);
    const costs = await costsOf(call, open, carryOut);
    if (call.options.has('json')) {
      const rows = audited.map((each) => {
        const { server, domain, fate, target, decidedBy, advice } = each;
        const cost = accepts(each) ? costJson(costs, domain) : null;
        return { server, domain, fate, target, cost, decidedBy, advice: advice ?? null };
      });
      print(anyJson({ version: 1, accepting: open.length, catchAlls: rows }));
    } else printAudit(audited, open, costs);
    return open.length === 0 ? 0 : 1;
  });
