/** What attacked this server? Reads logs, judges their events, and reports. */
import type { Report } from '../model/report.ts';
import { createJudge } from '../judge/judge.ts';
import { createMemory } from '../judge/memory.ts';
import { defaultJudgeSettings } from '../judge/settings.ts';
import type { JudgeSettings } from '../judge/settings.ts';
import { readAside } from './aside/read-aside.ts';
import type { ReadOptions } from './read-logs.ts';

export type AnalyzeOptions = ReadOptions & {
  /** Milliseconds since 1970; events outside are not judged. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** How many of each list; undefined: all. */
  readonly most?: number | undefined;
  readonly judge?: JudgeSettings | undefined;
};

const memoryBytes = 64 * 1024 * 1024;
/** The same in every replay, so that a log gives the same report each time. */
const replaySeed = 0x706f_7374;

export const analyze = async (options: AnalyzeOptions): Promise<Report> => {
  const memory = createMemory(new SharedArrayBuffer(memoryBytes), replaySeed);
  const judge = createJudge(memory, options.judge ?? defaultJudgeSettings);
  const since = options.since ?? -Infinity;
  const until = options.until ?? Infinity;
  const span = { from: Infinity, to: -Infinity };
  const files = await readAside(options, (event) => {
    const { time } = event;
    if (time < since || time >= until) return;
    if (time < span.from) span.from = time;
    if (time > span.to) span.to = time;
    judge.tell(event);
  });
  const sum = (field: 'lines' | 'events' | 'unmatched' | 'bytes'): number =>
    files.reduce((total, file) => total + file[field], 0);
  return {
    version: 1,
    input: {
      from: span.from === Infinity ? undefined : span.from,
      to: span.to === -Infinity ? undefined : span.to,
      lines: sum('lines'),
      events: sum('events'),
      unmatched: sum('unmatched'),
      bytes: sum('bytes'),
      files,
    },
    ...judge.report(options.most),
  };
};
