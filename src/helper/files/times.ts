/**
 * Sets the times of files to the nanosecond. Node's futimes keeps microseconds, so touch(1) does the rest; a process for
 * each of ten thousand files takes a minute, so those asked for in the same moment share one xargs(1).
 */
import { spawn } from 'node:child_process';
import { fstatSync, futimesSync } from 'node:fs';
import type { FileFacts } from '../../model/verb.ts';

type Times = Pick<FileFacts, 'modifiedNs' | 'accessedNs'>;
type Waiting = {
  readonly descriptor: number;
  readonly times: Times;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
};

const secondsOf = (ns: string): string => `@${ns.length > 9 ? ns.slice(0, -9) : '0'}.${ns.slice(-9).padStart(9, '0')}`;

const secondsFrom = (ns: string): number => Number(BigInt(ns) / 1000n) / 1e6;

/** Flags of touch(1) for what is not right yet. */
const wrong = ({ descriptor, times }: Pick<Waiting, 'descriptor' | 'times'>): readonly [string, string][] => {
  const { mtimeNs, atimeNs } = fstatSync(descriptor, { bigint: true });
  return [
    ...(mtimeNs === BigInt(times.modifiedNs) ? [] : [['-m', times.modifiedNs] as [string, string]]),
    ...(atimeNs === BigInt(times.accessedNs) ? [] : [['-a', times.accessedNs] as [string, string]]),
  ];
};

const argumentsATouch = 4;

const touchAll = (waiting: readonly Waiting[]): void => {
  const input = waiting.flatMap((one) =>
    wrong(one).flatMap(([flag, ns]) => [flag, '-d', secondsOf(ns), `/proc/${process.pid}/fd/${one.descriptor}`]),
  );
  const child = spawn('/usr/bin/xargs', ['-0', '-r', '-n', String(argumentsATouch), '-P', '4', '/usr/bin/touch'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  });
  const settle = (): void => {
    for (const one of waiting)
      if (wrong(one).length === 0) one.resolve();
      else one.reject(new Error('touch(1) could not set the times'));
  };
  child.once('error', settle);
  child.once('close', settle);
  child.stdin.on('error', () => undefined); // told by what the files' times are afterwards
  child.stdin.end(input.map((word) => `${word}\0`).join(''));
};

let waiting: Waiting[] = [];

/** The descriptor must stay open until then. @throws Error when they could not be set */
export const setTimes = async (descriptor: number, times: Times): Promise<void> => {
  futimesSync(descriptor, secondsFrom(times.accessedNs), secondsFrom(times.modifiedNs));
  if (wrong({ descriptor, times }).length === 0) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (waiting.length === 0)
    setImmediate(() => {
      const all = waiting;
      waiting = [];
      touchAll(all);
    });
  waiting.push({ descriptor, times, resolve, reject });
  await promise;
};
