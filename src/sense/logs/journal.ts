/**
 * The journal of systemd, through journalctl(1): the mail facility's records as lines of JSON, all of the last days or
 * followed live. A cursor says where a restart goes on. Many hosts have no /var/log/mail.log any more, only this.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { readJournalMark } from '../../protocols/journal/json.ts';
import type { JournalMark } from '../../protocols/journal/json.ts';
import type { Following } from './follow.ts';

/** How the journal is named where a log file could be; a file of this name is `./journal`. */
export const journalName = 'journal';

export type JournalPosition = {
  readonly cursor: string;
  /** Of that record, since 1970. */
  readonly microseconds: number;
};

export type FollowJournalOptions = {
  readonly position: JournalPosition | undefined;
  /** Told once: the last records before the position, given to somebody already. */
  readonly onEarlier?: ((text: string) => void) | undefined;
  /** Whole lines (latin1, each with its LF), and the position behind them where one is known. */
  readonly onText: (text: string, position: JournalPosition | undefined) => void;
  readonly onProblem: (problem: string) => void;
};

/** Without a position no more is read than a log that is rotated weekly holds. */
const since = '--since=-7day';
const selection: readonly string[] = [
  '--output=json',
  // Or a message of more than 4096 bytes would be null.
  '--all',
  '--output-fields=MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_PID,_PID,_COMM',
  '--quiet',
  '--no-pager',
  'SYSLOG_FACILITY=2',
];
/** So many of those before a position are shown again: the sessions and messages under way began in them. */
const earlierRecords = 5000;
const lineBytesMax = 1024 * 1024;
const outputBytesMax = 64 * 1024 * 1024;
const complaintMax = 500;
const retryMsMin = 1000;
const retryMsMax = 60_000;

/** @param root '/' on a real host. @returns undefined when there is no journal */
export const journalFolder = (root: string): string | undefined =>
  ['var/log/journal', 'run/log/journal'].map((folder) => join(root, folder)).find((folder) => existsSync(folder));

type Started = { readonly child: ChildProcessByStdio<null, Readable, Readable>; readonly complaint: () => string };

const start = (args: readonly string[]): Started => {
  const child = spawn('journalctl', [...selection, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.once('error', (error) => (complaint = error.message));
  child.stderr.on('data', (text: Buffer) => (complaint = (complaint + text.toString('latin1')).slice(0, complaintMax)));
  return { child, complaint: () => complaint.trim() };
};

/** What is in the journal now, as text. @throws Error with what journalctl says when it cannot be read */
export async function* readJournal(): AsyncGenerator<string> {
  const { child, complaint } = start([since]);
  const ended = once(child, 'close');
  ended.catch(() => undefined); // thrown below
  try {
    child.stdout.setEncoding('latin1');
    for await (const chunk of child.stdout) yield String(chunk);
    const [status]: unknown[] = await ended;
    if (status !== 0) throw new Error(complaint() || `journalctl ended with status ${String(status)}`);
  } finally {
    child.kill();
  }
}

const read = (args: readonly string[]): Promise<{ readonly stdout: string }> =>
  promisify(execFile)('journalctl', [...selection, ...args], { encoding: 'latin1', maxBuffer: outputBytesMax }).catch(
    () => ({ stdout: '' }),
  );

const newest = async (): Promise<JournalMark | undefined> => {
  const { stdout } = await read(['--lines=1']);
  return readJournalMark(stdout.trimEnd().split('\n').at(-1) ?? '');
};

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const followJournal = (options: FollowJournalOptions): Following => {
  let { position } = options;
  let seen = 0;
  let stopped = false;
  let child: ChildProcess | undefined;
  let retry: NodeJS.Timeout | undefined;
  let retryMs = retryMsMin;
  let waiting: { readonly microseconds: number; readonly resolve: () => void }[] = [];

  const take = (text: string): void => {
    const mark = readJournalMark(text.slice(text.lastIndexOf('\n', text.length - 2) + 1));
    retryMs = retryMsMin;
    if (mark !== undefined) position = mark;
    options.onText(text, position);
    if (mark === undefined) return;
    seen = Math.max(seen, mark.microseconds);
    for (const each of waiting.filter(({ microseconds }) => microseconds <= seen)) each.resolve();
    waiting = waiting.filter(({ microseconds }) => microseconds > seen);
  };

  const showEarlier = async ({ microseconds }: JournalPosition): Promise<void> => {
    const until = `--until=@${microseconds / 1e6}`;
    const { stdout } = await read([until, `--lines=${earlierRecords}`]);
    options.onEarlier?.(stdout);
  };

  const run = (): void => {
    const from = position === undefined ? since : `--after-cursor=${position.cursor}`;
    const started = start(['--follow', '--no-tail', from]);
    const { stdout } = started.child;
    child = started.child;
    let rest = '';
    stdout.on('data', (chunk: Buffer) => {
      const text = rest + chunk.toString('latin1');
      const end = text.lastIndexOf('\n') + 1;
      rest = text.length - end > lineBytesMax ? '' : text.slice(end);
      if (end > 0) take(text.slice(0, end));
    });
    child.once('close', () => {
      child = undefined;
      if (stopped) return;
      options.onProblem(
        `journalctl ended (${started.complaint() || 'no reason given'}): started again in ${retryMs / 1000} s`,
      );
      retry = setTimeout(run, retryMs);
      retryMs = Math.min(retryMs * 2, retryMsMax);
    });
  };
  if (position === undefined) run();
  else
    void showEarlier(position).finally(() => {
      if (!stopped) run();
    });

  return {
    caughtUp: async () => {
      const last = await newest();
      if (last === undefined || last.microseconds <= seen || last.cursor === position?.cursor) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ microseconds: last.microseconds, resolve });
      await promise;
    },
    stop: async () => {
      stopped = true;
      clearTimeout(retry);
      for (const { resolve } of waiting) resolve();
      if (child === undefined) return;
      const ended = once(child, 'close');
      child.kill();
      await ended;
    },
  };
};
