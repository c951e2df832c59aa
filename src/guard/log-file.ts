/** One log file on its way to the judge: its text is cut into lines, its lines are read, its events are told in its order. */
import type { Event } from '../model/event.ts';
import type { FileReport } from '../model/report.ts';
import type { Zone } from '../model/zone.ts';
import { createLineCutter } from '../protocols/lines.ts';
import { openLog } from '../sense/logs/open.ts';
import { createLogReader } from '../servers/read.ts';

export type LogFile = {
  /** Reads one chunk and tells its events, each with its line; false at the end of the file. */
  readonly advance: (tell: (event: Event, line: string) => void) => Promise<boolean>;
  readonly report: () => FileReport;
  readonly bytesRead: () => number;
  readonly bytesTotal: number | undefined;
  /** Stops reading and closes the file. */
  readonly stop: () => Promise<void>;
};

export type LogFileOptions = {
  readonly zone: Zone;
  /** Milliseconds since 1970: no line of a pipe is newer. */
  readonly now: number;
  readonly onUnmatched?: ((path: string, line: string) => void) | undefined;
};

/** @throws Fault INPUT_UNREADABLE */
export const openLogFile = async (path: string, options: LogFileOptions): Promise<LogFile> => {
  const text = await openLog(path);
  const reader = createLogReader(options.zone, () => text.changed ?? options.now);
  const chunks = text.chunks[Symbol.asyncIterator]();
  let lines = 0;
  let events = 0;
  let unmatched = 0;
  let tellNow: (event: Event, line: string) => void = () => undefined;
  let current = '';
  const counted = (event: Event): void => {
    events++;
    tellNow(event, current);
  };
  const cutter = createLineCutter((line) => {
    if (line === '') return;
    lines++;
    current = line;
    const understood = reader.read(line, counted);
    if (understood !== 'unmatched' && understood !== 'malformed') return;
    unmatched++;
    options.onUnmatched?.(path, line);
  });

  const problem = (): string | undefined => {
    const tooLong = cutter.tooLong();
    const parts = [text.problem(), tooLong === 0 ? undefined : `${tooLong} lines were too long and skipped`];
    return parts.filter((part) => part !== undefined).join('; ') || undefined;
  };

  return {
    advance: async (tell) => {
      tellNow = tell;
      const next = await chunks.next();
      if (next.done === true) cutter.end();
      else cutter.feed(next.value);
      return next.done !== true;
    },
    report: () => ({
      path,
      format: reader.format(),
      servers: reader.servers(),
      lines: lines + cutter.tooLong(),
      events,
      unmatched: unmatched + cutter.tooLong(),
      bytes: text.bytesRead(),
      problem: problem(),
    }),
    bytesRead: text.bytesRead,
    bytesTotal: text.bytesTotal,
    stop: async () => void (await chunks.return?.()),
  };
};
