/** `postern` alone: what is here, what already happened, what to do next. Changes nothing. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { analyze } from '../guard/analyze.ts';
import { readKept } from '../guard/proving/place.ts';
import { defaults } from '../guard/settings.ts';
import type { Report } from '../model/report.ts';
import { localZone } from '../protocols/syslog/zone.ts';
import { findLogs } from '../sense/logs/find.ts';
import { incidentHeadline } from '../show/text/incident.ts';
import { plain } from '../show/text/plain.ts';
import { styleFor } from '../show/text/style.ts';
import { counted, grouped } from '../show/text/table.ts';
import { localTime } from '../show/text/time.ts';
import { asksLine } from './asks.ts';
import { createMeter } from './progress.ts';

const execute = promisify(execFile);
const versionMsMax = 3000;
const incidentsShown = 6;

/** Where a guard may have left what it saw: that of this clone, that of an installation. */
const statesHere = [String(defaults.get('state')), '/var/lib/postern'];

type Probe = {
  readonly server: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly version: RegExp;
};

/** Each asks a program for its version and nothing else. */
const probes: readonly Probe[] = [
  { server: 'Postfix', program: 'postconf', args: ['-d', '-h', 'mail_version'], version: /^(\S+)/ },
  { server: 'Exim', program: 'exim', args: ['-bV'], version: /version (\S+)/ },
  { server: 'Exim', program: 'exim4', args: ['-bV'], version: /version (\S+)/ },
  { server: 'Dovecot', program: 'dovecot', args: ['--version'], version: /^(\S+)/ },
];

const serversHere = async (): Promise<readonly string[]> => {
  const answers = await Promise.all(
    probes.map(async ({ server, program, args, version }) => {
      const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`;
      const { stdout } = await execute(program, [...args], {
        timeout: versionMsMax,
        env: { ...process.env, PATH: path },
      }).catch(() => ({ stdout: '' }));
      const found = version.exec(stdout)?.[1];
      return found === undefined ? undefined : `${server} ${plain(found)}`;
    }),
  );
  return [...new Set(answers.filter((answer) => answer !== undefined))];
};

/** @param servers that can be set up to ask */
const nextCommands = (
  report: Report | undefined,
  paths: readonly string[],
  servers: readonly string[],
): readonly string[] => {
  const log = paths.at(-1) ?? '/var/log/mail.log';
  const actor = report?.incidents[0]?.actors[0]?.value;
  const [server] = servers;
  const rows = [
    [`analyze ${log}`, 'the whole report'],
    ...(actor === undefined ? [] : [[`explain ${plain(actor)} ${log}`, 'why I think so']]),
    ['run', 'watch, and answer the mail servers that ask'],
    ...(server === undefined
      ? []
      : [[`setup ${server.split(' ')[0]?.toLowerCase() ?? ''}`, 'let it ask: shows each change first']]),
    ['--help', 'everything else'],
  ];
  const width = Math.max(...rows.map(([command = '']) => command.length));
  return rows.map(([command = '', why = '']) => `  bin/postern ${command.padEnd(width)}  ${why}`);
};

export const tour = async (): Promise<number> => {
  const style = styleFor(process.stdout, process.env);
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  print('Postern: looking around (nothing is changed)');
  const [servers, logs] = await Promise.all([serversHere(), findLogs('/')]);
  print(`  found     ${servers.length === 0 ? 'no mail server on this host' : servers.join(', ')}`);
  for (const log of logs)
    print(
      `  log       ${plain(log.path)}${log.readable ? (log.older.length === 0 ? '' : ` and ${log.older.length} older`) : ': may not be read; run as root, or join its group (sudo usermod -aG adm YOU)'}`,
    );
  const now = Date.now();
  for (const place of statesHere.flatMap(readKept)) print(`  asks      ${asksLine(place, now)}`);
  const paths = logs.flatMap((log) => (log.readable ? [...log.older, log.path] : []));
  if (paths.length === 0) {
    print('  log       no mail log that I could read: name one, `bin/postern analyze FILE`');
    for (const line of ['Next:', ...nextCommands(undefined, [], servers)]) print(line);
    return 0;
  }
  const meter = createMeter(process.stderr);
  const report = await analyze({ paths, zone: localZone, now: Date.now(), onProgress: meter.show }).finally(
    meter.clear,
  );
  const { input, incidents } = report;
  print(
    `  read      ${counted(input.lines, 'line')}, ${counted(input.events, 'event')}${input.from === undefined ? '' : ` since ${localTime(input.from)}`}`,
  );
  print(incidents.length === 0 ? style.strong('No attack in them.') : style.strong('In them this server saw'));
  for (const incident of incidents.slice(0, incidentsShown))
    print(`  ${style.warn('!')} ${incidentHeadline(incident)}`);
  if (incidents.length > incidentsShown) print(`  and ${grouped(incidents.length - incidentsShown)} more`);
  for (const line of ['Next:', ...nextCommands(report, paths, servers)]) print(line);
  return 0;
};
