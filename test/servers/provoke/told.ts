/** Reads a log as Postern does and keeps everything it tells. */
import type { Event } from '../../../src/model/event.ts';
import { createLogReader } from '../../../src/servers/read.ts';
import { localZone } from '../../../src/protocols/syslog/zone.ts';

export type Told = {
  readonly events: readonly Event[];
  /** Lines of the mail servers' own programs. */
  readonly own: number;
  /** Those among them that no rule knew, and lines that are no log line at all. */
  readonly unmatched: readonly string[];
};

export const readLog = (lines: readonly string[]): Told => {
  const reader = createLogReader(localZone, Date.now);
  const events: Event[] = [];
  const unmatched: string[] = [];
  let own = 0;
  for (const line of lines) {
    const understood = reader.read(line, (event) => events.push(event));
    if (understood !== 'foreign') own++;
    if (understood === 'unmatched' || understood === 'malformed') unmatched.push(line);
  }
  return { events, own, unmatched };
};
