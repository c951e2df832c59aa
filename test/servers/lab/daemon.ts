/** A server as a child of the test, in the foreground: stopped by its own pid, and never left behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

const stopPatienceMs = 60_000;
const familyPatienceMs = 5000;

/** A thing that can be stopped by name, or at the end of its scope (`await using`). */
export type Stoppable = { readonly stop: () => Promise<void> } & AsyncDisposable;
export const stoppable = (stop: () => Promise<void>): Stoppable => ({ stop, [Symbol.asyncDispose]: stop });

export type Daemon = {
  readonly name: string;
  readonly pid: number;
  /** Killed like by a power cut (SIGKILL), with every process that it has started. */
  readonly crash: () => Promise<void>;
  /** Rejects when the daemon ends before `ready` resolves; its own words tell why. */
  readonly until: (ready: Promise<void>) => Promise<void>;
} & Stoppable;

/** proc(5): the fourth field of stat, behind the name in brackets. */
const parentOf = (pid: number): number => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0; // it has ended meanwhile
  }
};
const killIfThere = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
};
const descendantsOf = (ancestor: number): readonly number[] => {
  const pids = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  const family = new Set([ancestor]);
  // Once for each generation.
  for (let before = 0; family.size > before;) {
    before = family.size;
    for (const pid of pids) if (family.has(parentOf(pid))) family.add(pid);
  }
  return [...family].slice(1);
};

const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`);
/**
 * What a daemon has started ends behind it, and a port is taken for as long as one of those has it: the next to start would
 * find it open, and not be the one who listens there. Who is in a session with a client that has not gone is not waited for.
 */
const endAfter = async (family: readonly number[]): Promise<void> => {
  for (const end = Date.now() + familyPatienceMs; Date.now() < end && family.some(isThere);) await pause(20);
  for (const pid of family.filter(isThere)) killIfThere(pid);
};

export const startDaemon = (name: string, command: string, args: readonly string[]): Daemon => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
  let words = '';
  const note = (chunk: Buffer): void => {
    words = `${words}${chunk.toString('latin1')}`.slice(-4000);
  };
  child.stdout.on('data', note);
  child.stderr.on('data', note);
  const ended = once(child, 'exit');
  const killNow = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killNow);
  return {
    name,
    pid: child.pid ?? 0,
    crash: async () => {
      process.off('exit', killNow);
      child.kill('SIGSTOP'); // or it makes another child meanwhile
      const family = descendantsOf(child.pid ?? 0);
      killNow();
      for (const pid of family) killIfThere(pid);
      await ended;
    },
    until: async (ready) => {
      const early = ended.then(([code, signal]) => {
        throw new Error(`${name} ended with ${String(code ?? signal)}: ${words}`);
      });
      await Promise.race([ready, early]);
    },
    ...stoppable(async () => {
      process.off('exit', killNow);
      const family = descendantsOf(child.pid ?? 0);
      child.kill('SIGTERM');
      const killer = setTimeout(killNow, stopPatienceMs);
      await ended;
      clearTimeout(killer);
      await endAfter(family);
    }),
  };
};

/**
 * Runs a command to its end and resolves with what it printed; its words are in the error when it fails. Never
 * synchronously: it may ask the lab's DNS, which lives in this process.
 */
export const runCommand = async (command: string, args: readonly string[], input = ''): Promise<string> => {
  const child = spawn(command, args, { cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('latin1');
  child.stdin.on('error', () => {}); // it need not read what it is given
  child.stdin.end(input, 'latin1');
  const [printed, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}: ${printed}${complaint}`);
  return printed;
};

/** The same as a local user with nothing but its own group: a web server's script, for example. */
export const runCommandAs = (id: number, command: string, args: readonly string[], input = ''): Promise<string> =>
  runCommand('setpriv', [`--reuid=${id}`, `--regid=${id}`, '--clear-groups', command, ...args], input);
