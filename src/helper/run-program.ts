/** Runs one of the listed programs: by its own path, without a shell, with a time limit and bounded output. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { basename } from 'node:path';
import { Fault } from '../model/fault.ts';
import type { Program, Ran, Verb } from '../model/verb.ts';
import type { Allowance } from './allowance.ts';
import { mayHaveArguments } from './programs.ts';

const timeoutMsUsual = 30_000;
const timeoutMsMax = 300_000;
const outputBytesMax = 128 * 1024 * 1024;
const inputBytesMax = 64 * 1024 * 1024;

const isRunnable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** What to install for a program that is not here. */
const packageOf = new Map<Program, string>([['nft', 'nftables']]);

const placeOf = (program: Program, allowance: Allowance): string => {
  const place = allowance.places.get(program)?.find(isRunnable);
  if (place !== undefined) return place;
  throw new Fault(
    'CONFIG',
    `there is no ${program} on this machine${packageOf.has(program) ? `: install the package ${packageOf.get(program) ?? ''}` : ''}`,
  );
};

type Run = Verb & { readonly verb: 'run' };

const check = ({ program, args, input }: Run, allowance: Allowance): void => {
  if (!mayHaveArguments(program, args, allowance))
    throw new Fault('REFUSED_FOR_SAFETY', `the helper does not run ${[program, ...args].join(' ').slice(0, 300)}`);
  if ((input?.length ?? 0) > inputBytesMax)
    throw new Fault('REFUSED_FOR_SAFETY', `${program}: more than ${inputBytesMax} bytes of input`);
};

export const runProgram = async (run: Run, allowance: Allowance): Promise<Ran> => {
  check(run, allowance);
  const { program, args, input = '', timeoutMs = timeoutMsUsual } = run;
  return runAt(placeOf(program, allowance), args, input, timeoutMs);
};

/** Without a shell, in an empty environment, bounded in time and output. @throws Fault PARTLY_DONE */
export const runAt = async (
  place: string,
  args: readonly string[],
  input = '',
  timeoutMs = timeoutMsUsual,
): Promise<Ran> => {
  const { promise, resolve, reject } = Promise.withResolvers<Ran>();
  // A group of its own, so that what the program starts ends with it.
  const child = spawn(place, args, {
    cwd: '/',
    detached: true,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const give = (why: string): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
    reject(new Fault('PARTLY_DONE', `${basename(place)} ${args.slice(0, 3).join(' ')}: ${why}`));
  };
  const patience = Math.min(timeoutMs, timeoutMsMax);
  const timer = setTimeout(() => give(`no end after ${patience} ms; it was stopped`), patience);
  let bytes = 0;
  const collect = (stream: NodeJS.ReadableStream): Buffer[] => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > outputBytesMax) give(`more than ${outputBytesMax} bytes of output`);
      else chunks.push(chunk);
    });
    return chunks;
  };
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  child.stdin.on('error', () => undefined); // it need not read what it is given
  child.stdin.end(input, 'latin1');
  child.on('error', (error) => give(error.message));
  child.on('close', (status, signal) => {
    clearTimeout(timer);
    if (status === null) return give(`ended by ${signal ?? 'a signal'}`);
    const words = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('latin1');
    return resolve({ status, stdout: words(stdout), stderr: words(stderr) });
  });
  return promise;
};
