/**
 * Reads lines of any mail log. The format is recognised by the line itself, so a file may hold several; the one that
 * fitted the line before is tried first.
 */
import { keep } from '../model/keep.ts';
import type { Event, EventKind, ServerName } from '../model/event.ts';
import type { Tell } from '../model/ports.ts';
import type { Zone } from '../model/zone.ts';
import { createExportReader } from '../protocols/journal/export.ts';
import { isJournalJson, readJournalJson } from '../protocols/journal/json.ts';
import { innerOf } from '../protocols/syslog/envelope.ts';
import { plainOf } from '../protocols/syslog/foreign-header.ts';
import { readHeader } from '../protocols/syslog/header.ts';
import type { Header } from '../protocols/syslog/header.ts';
import { createStamps } from '../protocols/syslog/stamps.ts';
import { lineGrammars, syslogGrammars } from './all.ts';
import type { LineReader, SyslogReader, Understood } from './grammar.ts';

export type LogReader = {
  /** `malformed`: no log line at all. */
  readonly read: (line: string, tell: Tell) => Understood | 'malformed';
  /** The format of the last line that was one; 'unknown' before. */
  readonly format: () => string;
  readonly servers: () => readonly ServerName[];
};

const programsMax = 1000;
/** `docker compose logs -t` puts two around a line. */
const envelopesMax = 3;

/** Solaris writes `[ID 801593 mail.info] ` before the message. */
const idPattern = /^\[ID \d{1,10} [a-z0-9]{1,10}\.[a-z]{1,10}\] /;
const withoutId = (message: string): string =>
  message.charCodeAt(0) === 91 ? message.replace(idPattern, '') : message;

const repeatedPattern = /^message repeated (\d{1,6}) times: \[ ?/;

const againPattern = /^message repeated (\d{1,6}) times?$/;

/** rsyslog's reduction of equal lines: `message repeated 3 times: [ TEXT]`. */
const repeatedIn = (message: string): { readonly message: string; readonly times: number } | undefined => {
  const found = message.startsWith('message repeated ') ? repeatedPattern.exec(message) : null;
  return found === null || !message.endsWith(']')
    ? undefined
    : { message: message.slice(found[0].length, -1), times: Number(found[1]) };
};

/** Kinds whose count is another one: recipients, or nothing that adds up. */
const uncounted: ReadonlySet<EventKind> = new Set(['message', 'delivery', 'queue']);
const timesTold = (event: Event, times: number): Event =>
  uncounted.has(event.kind) ? event : { ...event, count: (event.count ?? 1) * times };

/** UTF-16, as PowerShell writes logs: each second byte of plain text is NUL; that of a line's end begins the next line. */
const isWide = (line: string): boolean =>
  line.charCodeAt(4) === 0
    ? line.charCodeAt(2) === 0 && line.charCodeAt(0) === 0
    : line.charCodeAt(5) === 0 && line.charCodeAt(3) === 0 && line.startsWith('\xff\xfe');
const narrow = (line: string): string => line.replace('\xff\xfe', '').replaceAll('\0', '').replace(/\r$/, '');

type Records = {
  readonly read: (time: number, program: string, pid: string, message: string, tell: Tell) => Understood;
  /** BSD's reduction of equal lines names nobody: the line before it does. */
  readonly again: (time: number, message: string, tell: Tell) => Understood;
};

/** Messages without their headers, each to the server whose program wrote it. */
const createRecords = (servers: Set<ServerName>): Records => {
  const syslogReaders = syslogGrammars.map(({ server, grammar }) => ({ server, grammar, reader: grammar.reader() }));
  const owners = new Map<string, SyslogReader | null>();
  /** The message before, of whatever program. */
  const before = { program: '', pid: '', message: '' };

  const ownerOf = (program: string): SyslogReader | null => {
    const found = syslogReaders.find(({ grammar }) => grammar.owns(program));
    if (found !== undefined) servers.add(found.server);
    const owner = found?.reader ?? null;
    if (owners.size < programsMax) owners.set(keep(program), owner);
    return owner;
  };

  const read: Records['read'] = (time, program, pid, message, tell) => {
    before.program = program;
    before.pid = pid;
    before.message = message;
    let owner = owners.get(program);
    if (owner === undefined) owner = ownerOf(program);
    if (owner === null) return 'foreign';
    const repeated = message.charCodeAt(0) === 109 ? repeatedIn(message) : undefined;
    return repeated === undefined
      ? owner.read(time, program, pid, message, tell)
      : owner.read(time, program, pid, repeated.message, (event) => tell(timesTold(event, repeated.times)));
  };

  const again: Records['again'] = (time, message, tell) => {
    const times = Number(againPattern.exec(message)?.[1] ?? 0);
    if (times === 0 || before.program === '') return 'known';
    return read(time, before.program, before.pid, before.message, (event) => tell(timesTold(event, times)));
  };
  return { read, again };
};

const createBareReader = (zone: Zone, latest: () => number): LogReader => {
  const stamps = createStamps(zone, latest);
  const header: Header = { program: '', pid: '', messageAt: 0 };
  const lineReaders = lineGrammars.map(({ server, grammar }) => ({ server, grammar, reader: grammar.reader(stamps) }));
  const servers = new Set<ServerName>();
  const records = createRecords(servers);
  const readRecord = records.read;
  const exported = createExportReader();
  let format = 'unknown';
  let current: LineReader | undefined;

  const readExport = (line: string, tell: Tell): Understood | 'malformed' => {
    const record = exported.read(line);
    if (record === 'more') return 'known';
    if (record === 'malformed') return 'malformed';
    format = 'syslog';
    return readRecord(record.time, record.program, record.pid, record.message, tell);
  };

  const readSyslog = (line: string, tell: Tell): Understood | undefined => {
    if (isJournalJson(line)) {
      const record = readJournalJson(line);
      return record === undefined
        ? undefined
        : readRecord(record.time, record.program, record.pid, record.message, tell);
    }
    if (!readHeader(line, stamps, header)) return undefined;
    const message = withoutId(line.slice(header.messageAt));
    if (header.program === 'last' && message.startsWith('message repeated'))
      return records.again(stamps.time, message, tell);
    return readRecord(stamps.time, header.program, header.pid, message, tell);
  };

  const readBare = (line: string, tell: Tell): Understood | 'malformed' => {
    if (exported.owns(line)) return readExport(line, tell);
    // The format of the line before is tried first: nearly always it is this line's too.
    const likely =
      current === undefined ? (format === 'syslog' ? readSyslog(line, tell) : 'foreign') : current.read(line, tell);
    if (likely !== undefined && likely !== 'foreign') return likely;
    for (const { server, grammar, reader } of lineReaders) {
      if (reader === current || !grammar.recognises(line)) continue;
      const understood = reader.read(line, tell);
      if (understood === 'foreign') continue;
      current = reader;
      format = grammar.format;
      servers.add(server);
      return understood;
    }
    const understood = readSyslog(line, tell);
    if (understood === undefined) return line.startsWith('-- ') ? 'foreign' : 'malformed'; // journalctl's own notes
    if (understood !== 'foreign') {
      current = undefined;
      format = 'syslog';
    }
    return understood;
  };

  return { format: () => format, servers: () => [...servers], read: readBare };
};

/** @param latest milliseconds since 1970: the file's last change, or now, for stamps without a year */
export const createLogReader = (zone: Zone, latest: () => number): LogReader => {
  const bare = createBareReader(zone, latest);
  // A log has one kind of header: another is looked for only until one was understood.
  let isRewritten = false;
  const rewritten = (line: string): string | undefined => {
    const plain = isRewritten || bare.format() === 'unknown' ? plainOf(line) : undefined;
    if (plain !== undefined) isRewritten = true;
    return plain;
  };
  const read = (line: string, tell: Tell, envelopes: number): Understood | 'malformed' => {
    const understood = bare.read(line, tell);
    if (understood === 'malformed') {
      if (isWide(line)) return read(narrow(line), tell, envelopes);
      if (line === '\0') return 'foreign'; // what is left behind the last line of UTF-16
    }
    if ((understood !== 'foreign' && understood !== 'malformed') || envelopes === 0) return understood;
    const inner = innerOf(line) ?? rewritten(line);
    const inside = inner === undefined ? 'malformed' : read(inner, tell, envelopes - 1);
    return inside === 'malformed' ? understood : inside;
  };
  return { ...bare, read: (line, tell) => read(line, tell, envelopesMax) };
};
