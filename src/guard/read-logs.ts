/** Several logs as one stream of events by time, what two of them tell once. Each is in order by itself; the one that lags behind is read next. */
import type { Event } from '../model/event.ts';
import type { Tell } from '../model/ports.ts';
import type { FileReport } from '../model/report.ts';
import { openLogFile } from './log-file.ts';
import type { LogFile, LogFileOptions } from './log-file.ts';
import { createTwins } from './twins.ts';

export type Progress = {
  readonly bytes: number;
  readonly bytesTotal: number | undefined;
  readonly lines: number;
  readonly events: number;
};

export type ReadOptions = LogFileOptions & {
  readonly paths: readonly string[];
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Awaited between chunks: whoever prints events waits here for a slow reader. */
  readonly drained?: (() => Promise<void>) | undefined;
};

const progressOf = (files: readonly LogFile[]): Progress => {
  const reports = files.map((file) => file.report());
  const totals = files.map((file) => file.bytesTotal);
  return {
    bytes: files.reduce((sum, file) => sum + file.bytesRead(), 0),
    bytesTotal: totals.includes(undefined) ? undefined : totals.reduce<number>((sum, total) => sum + (total ?? 0), 0),
    lines: reports.reduce((sum, report) => sum + report.lines, 0),
    events: reports.reduce((sum, report) => sum + report.events, 0),
  };
};

type Waiting = { readonly file: LogFile; events: Event[]; lines: string[]; at: number; ended: boolean };

const refill = async (waiting: Waiting): Promise<void> => {
  waiting.events = [];
  waiting.lines = [];
  waiting.at = 0;
  while (waiting.events.length === 0 && !waiting.ended) {
    waiting.ended = !(await waiting.file.advance((event, line) => {
      waiting.events.push(event);
      waiting.lines.push(line);
    }));
  }
};

/** Up to where the first may be told: the earliest time that another file waits with. */
const horizonOf = (others: readonly Waiting[]): number =>
  others.reduce((earliest, other) => Math.min(earliest, other.events[other.at]?.time ?? Infinity), Infinity);

const merge = async (
  files: readonly LogFile[],
  tell: Tell,
  stopped: () => boolean,
  onTurn: () => Promise<void>,
): Promise<void> => {
  let waiting: Waiting[] = files.map((file) => ({ file, events: [], lines: [], at: 0, ended: false }));
  const twins = createTwins<LogFile>();
  for (const each of waiting) await refill(each);
  while (!stopped()) {
    waiting = waiting.filter((each) => each.at < each.events.length);
    if (waiting.length === 0) return;
    const first = waiting.reduce((a, b) => ((b.events[b.at]?.time ?? 0) < (a.events[a.at]?.time ?? 0) ? b : a));
    const horizon = horizonOf(waiting.filter((each) => each !== first));
    for (
      let event = first.events[first.at];
      event !== undefined && event.time <= horizon;
      event = first.events[++first.at]
    )
      if (!twins.told(event.time, first.lines[first.at] ?? '', first.file)) tell(event);
    if (first.at >= first.events.length) {
      await refill(first);
      await onTurn();
    }
  }
};

/** @throws Fault INPUT_UNREADABLE before anything is told, when one of the files cannot be opened */
export const readLogs = async (options: ReadOptions, tell: Tell): Promise<readonly FileReport[]> => {
  const files: LogFile[] = [];
  try {
    for (const path of options.paths) files.push(await openLogFile(path, options));
    const stopped = (): boolean => options.signal?.aborted === true;
    const onTurn = async (): Promise<void> => {
      options.onProgress?.(progressOf(files));
      await options.drained?.();
    };
    const [only] = files;
    // One file needs no merging: its events go straight to whoever listens.
    if (files.length === 1 && only !== undefined) while (!stopped() && (await only.advance(tell))) await onTurn();
    else await merge(files, tell, stopped, onTurn);
    return files.map((file) => file.report());
  } finally {
    for (const file of files) await file.stop();
  }
};
