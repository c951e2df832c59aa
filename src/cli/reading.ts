/** What the commands that read logs have in common: zone, progress, Ctrl-C. */
import { Fault } from '../model/fault.ts';
import type { Zone } from '../model/zone.ts';
import type { ReadOptions } from '../guard/read-logs.ts';
import { zoneOf } from '../protocols/syslog/zone.ts';
import type { Call } from './command.ts';
import { createMeter } from './progress.ts';

const zoneFrom = (call: Call): Zone => {
  const name = call.options.get('zone') ?? 'local';
  const zone = zoneOf(name);
  if (zone === undefined) throw new Fault('USAGE', `--zone ${name}: expected local, utc or ±hh:mm`);
  return zone;
};

export type Reading = {
  readonly options: ReadOptions;
  /** True when Ctrl-C ended it early. */ readonly interrupted: () => boolean;
  readonly done: () => void;
};

export const startReading = (call: Call, paths: readonly string[]): Reading => {
  const meter = createMeter(process.stderr);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  return {
    options: { paths, zone: zoneFrom(call), now: Date.now(), onProgress: meter.show, signal: stop.signal },
    interrupted: () => stop.signal.aborted,
    done: () => {
      process.off('SIGINT', interrupt);
      meter.clear();
    },
  };
};
