/** One line of `journalctl -o json` (systemd.journal-fields(7)): an object with the message and who wrote it. */
export type JournalRecord = {
  /** Milliseconds since 1970 UTC. */
  readonly time: number;
  readonly program: string;
  readonly pid: string;
  /** Bytes as a latin1 string, like every log text. */
  readonly message: string;
};

const textOf = (value: unknown): string | undefined => {
  if (typeof value === 'string') return Buffer.from(value, 'latin1').toString('latin1');
  // A message that is no UTF-8 comes as its bytes.
  if (Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256))
    return Buffer.from(value).toString('latin1');
  return undefined;
};

export const isJournalJson = (line: string): boolean =>
  line.startsWith('{') && line.endsWith('}') && line.includes('"MESSAGE"');

const fieldsOf = (line: string): ReadonlyMap<string, unknown> => {
  try {
    const record: unknown = JSON.parse(line);
    return new Map(typeof record === 'object' && record !== null ? Object.entries(record) : []);
  } catch {
    return new Map();
  }
};

export type JournalMark = {
  /** What journalctl takes to go on behind this record. */
  readonly cursor: string;
  /** Since 1970. */
  readonly microseconds: number;
};

/** @returns undefined when it is no journal record */
export const readJournalMark = (line: string): JournalMark | undefined => {
  const fields = fieldsOf(line);
  const cursor = fields.get('__CURSOR');
  return typeof cursor === 'string' && cursor !== ''
    ? { cursor, microseconds: Number(fields.get('__REALTIME_TIMESTAMP')) || 0 }
    : undefined;
};

/** @param line latin1, so the bytes of UTF-8 text in it stay as they are. @returns undefined when it is no journal record */
export const readJournalJson = (line: string): JournalRecord | undefined => {
  const fields = fieldsOf(line);
  const message = textOf(fields.get('MESSAGE'));
  const program = textOf(fields.get('SYSLOG_IDENTIFIER')) ?? textOf(fields.get('_COMM'));
  const microseconds = Number(fields.get('__REALTIME_TIMESTAMP') ?? fields.get('_SOURCE_REALTIME_TIMESTAMP'));
  if (message === undefined || program === undefined || !(microseconds > 0)) return undefined;
  return {
    time: Math.floor(microseconds / 1000),
    program,
    pid: textOf(fields.get('SYSLOG_PID')) ?? textOf(fields.get('_PID')) ?? '',
    message,
  };
};
