/** `quota audit`: mailboxes without a quota, full, nearly full, filling fast. */
import { auditQuotas } from '../guard/quota/audit.ts';
import type { AuditedMailbox, Condition, QuotaAudit } from '../guard/quota/audit.ts';
import { sourcesIn } from '../guard/quota/options.ts';
import { readConfig } from '../guard/config.ts';
import { Fault } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { grouped, table } from '../show/text/table.ts';
import type { Column } from '../show/text/table.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, readAtDesk, stateOf } from './desk.ts';

const rowsShownMax = 200;

const words = new Map<Condition, string>([
  ['full', 'full'],
  ['filling', 'filling fast'],
  ['nearly-full', 'nearly full'],
  ['no-quota', 'no quota'],
  ['fine', 'fine'],
]);

const mebibytes = (bytes: number | undefined): string =>
  bytes === undefined ? '-' : grouped(Math.round(bytes / 1024 ** 2));

const columns: readonly Column<AuditedMailbox>[] = [
  { title: 'mailbox', text: ({ address }) => plain(address) },
  { title: 'is', text: ({ condition }) => words.get(condition) ?? condition },
  { title: 'used MiB', right: true, text: ({ usedBytes }) => mebibytes(usedBytes) },
  { title: 'limit MiB', right: true, text: ({ bytesMax }) => mebibytes(bytesMax) },
  {
    title: '%',
    right: true,
    text: ({ shareUsed }) => (shareUsed === undefined ? '-' : String(Math.floor(shareUsed * 100))),
  },
  {
    title: 'full in',
    right: true,
    text: ({ growth }) => (growth?.fullInHours === undefined ? '' : `${Math.ceil(growth.fullInHours)} h`),
  },
];

const print = (text: string): void => void process.stdout.write(`${text}\n`);

const printAudit = ({ mailboxes, unknown }: QuotaAudit, wrong: readonly AuditedMailbox[]): void => {
  for (const line of table(wrong.slice(0, rowsShownMax), columns, process.stdout.columns || 120)) print(line);
  if (wrong.length > rowsShownMax) print(`and ${grouped(wrong.length - rowsShownMax)} more (--json shows all)`);
  for (const why of unknown) print(`not known: ${plain(why)}`);
  const counts = [...Map.groupBy(mailboxes, ({ condition }) => condition)].map(
    ([condition, all]) => `${grouped(all.length)} ${words.get(condition) ?? condition}`,
  );
  print(`${grouped(mailboxes.length)} mailboxes: ${counts.join(', ')}.`);
};

const sourcesOf = (call: Call): ReturnType<typeof sourcesIn> => {
  const named = call.options.get('source')?.split(',');
  const sources = sourcesIn(named ?? readConfig(call.options.get('config')).values.get('quota.sources'));
  if (named !== undefined && sources.length < named.length)
    throw new Fault(
      'USAGE',
      `--source ${plain(named.join(','))}: expected dovecot, maildir:/var/vmail/%d/%n, mbox:50M:/var/mail/%n or command:/path`,
    );
  const listing = sources.filter(({ kind }) => kind !== 'quota-status');
  return listing.length > 0 ? listing : [{ kind: 'dovecot' }];
};

const audit = (call: Call): Promise<number> =>
  readAtDesk(call, async ({ carryOut }) => {
    const { values } = readConfig(call.options.get('config'));
    const audited = await auditQuotas(sourcesOf(call), carryOut, stateOf(call, values));
    const wrong = audited.mailboxes.filter(({ condition }) => condition !== 'fine');
    if (call.options.has('json'))
      print(anyJson({ version: 1, wrong: wrong.length, mailboxes: audited.mailboxes, unknown: audited.unknown }));
    else {
      printAudit(audited, wrong);
      if (sourcesIn(values.get('quota.sources')).length === 0)
        print('The guard does not know of them: with quota.sources set it refuses over quota at RCPT (docs/quota.md).');
    }
    if (wrong.length > 0) return 1;
    return audited.unknown.length > 0 ? 5 : 0;
  });

export const quotaCommand: Command = {
  name: 'quota',
  usage: 'postern quota audit',
  summary: 'Mailboxes without a quota, full, nearly full or filling fast.',
  options: [
    {
      name: 'source',
      value: 'A,B',
      sentence: 'Where to look: dovecot, maildir:/var/vmail/%d/%n, mbox:50M:/var/mail/%n, command:/path.',
    },
    jsonOption,
    ...deskOptions,
  ],
  examples: ['postern quota audit', 'postern quota audit --source maildir:/var/vmail/%d/%n --json'],
  operandsMin: 1,
  operandsMax: 1,
  run: (call) => {
    if (call.operands[0] !== 'audit')
      throw new Fault('USAGE', `postern quota ${plain(call.operands[0] ?? '')}: expected audit`);
    return audit(call);
  },
};
