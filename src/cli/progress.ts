/** Progress on standard error: a bar on a terminal after one second, else a line every ten. */
import type { Progress } from '../guard/read-logs.ts';
import { grouped } from '../show/text/table.ts';

const barWidth = 24;
const firstMs = 1000;
const barEveryMs = 100;
const lineEveryMs = 10_000;

export type Meter = { readonly show: (progress: Progress) => void; readonly clear: () => void };

/** @param unit what is counted */
export const createMeter = (stream: NodeJS.WriteStream, unit = 'lines'): Meter => {
  const started = performance.now();
  const isTerminal = stream.isTTY === true;
  let next = isTerminal ? firstMs : lineEveryMs;
  let shown = false;

  const words = (progress: Progress, seconds: number): string => {
    const rate = `${grouped(progress.lines)} ${unit}, ${grouped(Math.round(progress.lines / seconds))} a second`;
    if (progress.bytesTotal === undefined || progress.bytesTotal === 0) return `reading  ${rate}`;
    const share = Math.min(1, progress.bytes / progress.bytesTotal);
    const full = Math.round(share * barWidth);
    const left = share === 0 ? 0 : Math.ceil((seconds / share) * (1 - share));
    return `reading  ${'█'.repeat(full)}${'░'.repeat(barWidth - full)}  ${Math.floor(share * 100)} %  ${rate}, ${left} s left`;
  };

  return {
    show: (progress) => {
      const passed = performance.now() - started;
      if (passed < next) return;
      next = passed + (isTerminal ? barEveryMs : lineEveryMs);
      shown = true;
      const text = words(progress, passed / 1000);
      stream.write(isTerminal ? `\r\u001b[K${text}` : `${text}\n`);
    },
    clear: () => {
      if (shown && isTerminal) stream.write('\r\u001b[K');
    },
  };
};

/** How many so far, of how many when that is known. */
export const createCounter = (
  stream: NodeJS.WriteStream,
): { readonly show: (count: number, total?: number) => void; readonly clear: () => void } => {
  const meter = createMeter(stream, 'messages');
  return {
    show: (count, total) => meter.show({ bytes: count, bytesTotal: total, lines: count, events: count }),
    clear: meter.clear,
  };
};
