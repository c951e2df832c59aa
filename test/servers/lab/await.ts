/** Waiting for what other processes do: a line in a file, an open port. Never a fixed sleep. */
import { on } from 'node:events';
import { existsSync, readdirSync, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** With anything that will come: nobody waits so long but for what is broken, however slow the machine. */
export const patienceMs = 120_000;
const lastLines = 15;

/** Resolves when something is so that nobody tells: asks again until then. @param complaint what to say when it never is */
export const until = async (complaint: () => string, isSo: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + patienceMs;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`${complaint()} (${patienceMs} ms)`);
    await pause(20);
  }
};

/** Complete lines of a file that may not be there yet, as latin1. */
export const linesOf = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, 'latin1').split('\n').slice(0, -1) : [];

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

/** Looks now and after every change in a directory, until something is found. */
const awaitIn = async <T>(directory: string, find: () => T | undefined, complaint: () => string): Promise<T> => {
  const watcher = watch(directory);
  const changes = on(watcher, 'change', { signal: AbortSignal.timeout(patienceMs) });
  try {
    for (let found = find(); ; found = find()) {
      if (found !== undefined) return found;
      await changes.next();
    }
  } catch (error) {
    if (!isTimeout(error)) throw error;
    throw new Error(`${complaint()} (${patienceMs} ms)`, { cause: error });
  } finally {
    watcher.close();
    await changes.return?.();
  }
};

/** Resolves with the first line that satisfies, at once if it is there already. */
export const awaitLine = (path: string, what: string, satisfies: (line: string) => boolean): Promise<string> =>
  awaitIn(
    dirname(path),
    () => linesOf(path).find(satisfies),
    () => `no line with ${what} in ${path}, which ends:\n${linesOf(path).slice(-lastLines).join('\n')}`,
  );

export const awaitFile = async (path: string): Promise<void> => {
  await awaitIn(
    dirname(path),
    () => (existsSync(path) ? path : undefined),
    () => `${path} does not appear`,
  );
};

export const awaitEmpty = async (directory: string): Promise<void> => {
  await awaitIn(
    directory,
    () => (readdirSync(directory).length === 0 ? true : undefined),
    () => `${directory} still holds ${readdirSync(directory).join(', ')}`,
  );
};

/** States of proc(5): a socket that listens; one that is open at both ends; one whose other end has closed. */
const states = { listening: '0A', established: '01', closeWait: '08' } as const;

const hexOf = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');

/** Reads /proc/net/tcp (proc(5)) instead of connecting: a server would log a connection that no test has made. */
const hasSocket = (address: string, port: number, among: readonly string[]): boolean => {
  const bytes = address.split('.').map((part) => hexOf(Number(part), 2));
  const places = new Set([bytes.toReversed().join(''), '00000000'].map((place) => `${place}:${hexOf(port, 4)}`));
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/ +/))
    .some(([, local = '', , state = '']) => among.includes(state) && places.has(local));
};
const listensOn = (address: string, port: number): boolean => hasSocket(address, port, [states.listening]);

/** Resolves when the server at a port has ended all of its sessions, those of clients that have gone too. */
export const awaitQuiet = (address: string, port: number): Promise<void> =>
  until(
    () => `${address}:${port} still has a session`,
    () => !hasSocket(address, port, [states.established, states.closeWait]),
  );

/**
 * Resolves when all ports are open, or closed. A process tells nobody when it begins to listen, so this one asks again.
 * @param open false: waits until nobody listens there any more
 */
export const awaitPorts = async (address: string, ports: readonly number[], open = true): Promise<void> => {
  for (const port of ports)
    await until(
      () => `${address}:${port} is still ${open ? 'closed' : 'open'}`,
      () => listensOn(address, port) === open,
    );
};
