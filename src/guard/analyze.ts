/** What attacked this server? Reads logs, judges their events, and reports. */
import type { Report } from '../model/report.ts';
import { createJudge } from '../judge/judge.ts';
import { defaultJudgeSettings } from '../judge/settings.ts';
import type { JudgeSettings } from '../judge/settings.ts';
import { readAside } from './aside/read-aside.ts';
import type { ReadOptions } from './read-logs.ts';
import { replayMemory } from './replay-memory.ts';

export type AnalyzeOptions = ReadOptions & {
  /** Milliseconds since 1970; events outside are not judged. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** How many of each list; undefined: all. */
  readonly most?: number | undefined;
  readonly judge?: JudgeSettings | undefined;
};

export const analyze = async (options: AnalyzeOptions): Promise<Report> => {
  const judge = createJudge(replayMemory(), options.judge ?? defaultJudgeSettings);
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
