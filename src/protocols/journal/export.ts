/**
 * `journalctl -o export` (systemd's "Journal Export Format"): `FIELD=TEXT` lines, or `FIELD`, eight bytes of length (little
 * endian) and so many bytes; an empty line ends an entry. Read line by line, as a log reader gives it: what stood between
 * two line feeds of binary data is put together again.
 */
import { Buffer } from 'node:buffer';
import type { JournalRecord } from './json.ts';

export type ExportReader = {
  /** True for the line that begins an entry, and within one. */
  readonly owns: (line: string) => boolean;
  /** @returns the record that this line completes; 'more' within an entry, 'malformed' when it is none */
  readonly read: (line: string) => JournalRecord | 'more' | 'malformed';
};

const fieldsMax = 200;
const binaryBytesMax = 64 * 1024;
const lengthBytes = 8;
const wanted: ReadonlySet<string> = new Set([
  '__REALTIME_TIMESTAMP',
  '_SOURCE_REALTIME_TIMESTAMP',
  'SYSLOG_IDENTIFIER',
  '_COMM',
  'SYSLOG_PID',
  '_PID',
  'MESSAGE',
]);
const fieldName = /^[A-Z0-9_]{1,64}$/;

const recordOf = (fields: ReadonlyMap<string, string>): JournalRecord | 'malformed' => {
  const message = fields.get('MESSAGE');
  const program = fields.get('SYSLOG_IDENTIFIER') ?? fields.get('_COMM');
  const microseconds = Number(fields.get('__REALTIME_TIMESTAMP') ?? fields.get('_SOURCE_REALTIME_TIMESTAMP'));
  if (message === undefined || program === undefined || !(microseconds > 0)) return 'malformed';
  const pid = fields.get('SYSLOG_PID') ?? fields.get('_PID') ?? '';
  return { time: Math.floor(microseconds / 1000), program, pid, message };
};

type Binary = { readonly name: string; text: string | undefined; bytes: number | undefined };

export const createExportReader = (): ExportReader => {
  let fields = new Map<string, string>();
  let count = 0;
  /** The binary field that is under way: its name, and what was read of length and data. */
  let binary: Binary | undefined;

  const end = (): void => {
    [fields, count, binary] = [new Map(), 0, undefined];
  };
  const give = (): JournalRecord | 'malformed' => {
    const record = recordOf(fields);
    end();
    return record;
  };
  const giveUp = (): 'malformed' => {
    end();
    return 'malformed';
  };

  const readBinary = (field: Binary, line: string): 'more' | 'malformed' => {
    const text = field.text === undefined ? line : `${field.text}\n${line}`;
    field.text = text;
    if (text.length < lengthBytes) return 'more';
    // Once: each look at the text makes one piece of it, and it may have as many lines as bytes.
    const length = (field.bytes ??= Number(Buffer.from(text.slice(0, lengthBytes), 'latin1').readBigUInt64LE()));
    if (length > binaryBytesMax) return giveUp();
    const have = text.length - lengthBytes;
    if (have < length) return 'more';
    if (have > length) return giveUp();
    if (wanted.has(field.name)) fields.set(field.name, text.slice(lengthBytes).replaceAll('\n', ' '));
    binary = undefined;
    return 'more';
  };

  return {
    owns: (line) => count > 0 || line.startsWith('__CURSOR='),
    read: (line) => {
      if (binary !== undefined) return readBinary(binary, line);
      if (line === '') return give();
      if (++count > fieldsMax) return giveUp();
      const equals = line.indexOf('=');
      const name = equals < 0 ? line : line.slice(0, equals);
      if (!fieldName.test(name)) return giveUp();
      if (equals < 0) binary = { name, text: undefined, bytes: undefined };
      else if (wanted.has(name)) fields.set(name, line.slice(equals + 1));
      return 'more';
    },
  };
};
