/**
 * Follows a growing log through whatever rotates it: renamed and made anew, copied and truncated, deleted, not there
 * yet. Gives whole lines only, each once; the position behind the last one is what a restart needs to go on there, also
 * when the file was rotated in between (its old self is found beside it by its inode).
 */
import { readSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { setImmediate as othersTurn } from 'node:timers/promises';
import { errorWords } from '../../model/fault.ts';
import { growHead, headOf, inodeAt, isSameFile, openAt, realPlace, rotatedSelf, wasTruncated } from './identity.ts';
import type { Open, Position } from './identity.ts';

export type FollowOptions = {
  readonly path: string;
  /** Where an earlier run stopped; without one the file is read from its start. */
  readonly position: Position | undefined;
  /** Told once, when the file is taken up again at its position: the last lines before it, whole, given to somebody already. */
  readonly onEarlier?: ((text: string) => void) | undefined;
  /** Whole lines (latin1, each with its LF), and the position behind them. */
  readonly onText: (text: string, position: Position) => void;
  readonly onProblem: (problem: string) => void;
};

export type Following = {
  /** Resolves when everything that was there at the call has been given. */
  readonly caughtUp: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

const chunkBytes = 1024 * 1024;
/** So much of what was read before is shown again: the sessions and messages under way began in it. */
const earlierBytes = 1024 * 1024;
/** The watcher tells at once; this is the net below it (network file systems, a directory that comes later). */
const pollMs = 1000;
/**
 * A busy log is looked at so often, without a watcher: a server writes ten lines a message, and to be woken for each costs
 * ten times what reading them does. Evidence is never later than that, and whoever waits for it waits longer.
 */
const togetherMs = 20;
/** So much is not written between two looks: a log that was longer, and still has more behind that, was not truncated meanwhile. */
const regrowthBytesMin = 1024 * 1024;

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const followLog = (options: FollowOptions): Following => {
  const { path } = options;
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let current: Open | undefined;
  let resume = options.position;
  let stopped = false;
  let watcher: FSWatcher | undefined;
  let running: Promise<void> = Promise.resolve();
  let queued = false;
  let wantsWhole = false;
  let growing: NodeJS.Timeout | undefined;
  /** How often text was given. */
  let turnsGiven = 0;

  /** Said once, until it is over. */
  let trouble = '';
  const complain = (error: unknown): void => {
    const words = errorWords(error);
    if (words !== trouble) options.onProblem(`${path}: ${words}`);
    trouble = words;
  };

  /** @returns undefined when it is not there yet, or cannot be read: that is said */
  const openCurrent = (): Promise<Open | undefined> =>
    openAt(path, 0, true).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') complain(error);
      return undefined;
    });

  const showEarlier = async ({ file, offset }: Open): Promise<void> => {
    const from = Math.max(0, offset - earlierBytes);
    const earlier = Buffer.alloc(offset - from);
    const { bytesRead } = await file.read(earlier, 0, earlier.length, from);
    const text = earlier.toString('latin1', 0, bytesRead);
    options.onEarlier?.(from === 0 ? text : text.slice(text.indexOf('\n') + 1));
  };

  const openFirst = async (): Promise<Open | undefined> => {
    const opened = await openCurrent();
    if (resume === undefined || opened === undefined) return opened;
    const position = resume;
    resume = undefined;
    if (isSameFile(opened.file, position)) {
      opened.offset = position.offset;
      await showEarlier(opened);
      return opened;
    }
    const found = await rotatedSelf(path, position);
    if (found === undefined) {
      options.onProblem(
        `${path} was rotated while nobody followed it: lines between byte ${position.offset} of the old file and the new one are not known`,
      );
      return opened;
    }
    if (found.between > 0)
      options.onProblem(
        `${path} was rotated more than once while nobody followed it: what is in the files between (${found.between}) is not known (postern analyze reads them)`,
      );
    await opened.file.close();
    await showEarlier(found.old);
    return found.old;
  };

  /** Reads to the end. @returns whether anything whole was there */
  const drain = async (log: Open): Promise<boolean> => {
    const before = turnsGiven;
    while (!stopped) {
      const bytesRead = readSync(log.file.fd, buffer, 0, chunkBytes, log.offset);
      if (bytesRead === 0) break;
      const end = buffer.lastIndexOf(10, bytesRead - 1) + 1;
      if (end === 0 && bytesRead < chunkBytes) break;
      const taken = end === 0 ? bytesRead : end;
      growHead(log);
      const text = buffer.toString('latin1', 0, taken);
      log.offset += taken;
      turnsGiven++;
      const { hash, bytes } = log.head;
      options.onText(text, { inode: log.inode, offset: log.offset, head: hash, headBytes: bytes.length });
      if (bytesRead < chunkBytes) break;
      await othersTurn();
    }
    return turnsGiven > before;
  };

  /** @param whole looks also whether a log that still grows was rotated */
  const turn = async (whole: boolean): Promise<void> => {
    current ??= await openFirst();
    if (current === undefined) return;
    if (!whole && current.offset > regrowthBytesMin && (await drain(current))) return;
    if (current.isCurrent && wasTruncated(current)) {
      current.offset = 0;
      current.head = headOf(current.file);
    }
    await drain(current);
    const inode = inodeAt(path);
    if (inode === undefined || (inode === current.inode && current.isCurrent)) return;
    // Rotated: what the writer still put into the old file after the rename is read before the new one.
    await drain(current);
    await current.file.close();
    current = await openCurrent();
    if (current !== undefined) await drain(current);
  };

  const kick = (whole = true): Promise<void> => {
    wantsWhole ||= whole;
    if (queued || stopped) return running;
    queued = true;
    running = running.then(async () => {
      const isWhole = wantsWhole;
      queued = false;
      wantsWhole = false;
      if (stopped) return;
      await turn(isWhole).then(() => {
        if (current !== undefined) trouble = '';
      }, complain);
    });
    return running;
  };

  const stopWatching = (): void => {
    watcher?.close();
    watcher = undefined;
  };

  const startWatching = (): void => {
    if (watcher !== undefined || growing !== undefined || stopped) return;
    try {
      const own = realPlace(path);
      watcher = watch(own.folder, (_change, name) => {
        if (name !== null && !name.startsWith(own.name)) return;
        stopWatching();
        void look();
      });
      watcher.on('error', stopWatching);
    } catch {
      watcher = undefined; // the directory may come later; the poll sees it
    }
  };

  /** Without a watcher for as long as each look finds more; what is written before it watches again is looked for once more. */
  const look = async (): Promise<void> => {
    clearTimeout(growing);
    growing = undefined;
    const before = turnsGiven;
    await kick(false);
    if (turnsGiven === before) {
      startWatching();
      await kick();
    }
    if (turnsGiven === before || stopped) return;
    stopWatching();
    growing ??= setTimeout(() => void look(), togetherMs);
  };

  const poll = setInterval(() => {
    startWatching();
    void kick();
  }, pollMs);
  startWatching();
  void kick();

  return {
    caughtUp: () => kick(),
    stop: async () => {
      clearInterval(poll);
      clearTimeout(growing);
      stopped = true;
      stopWatching();
      await running;
      await current?.file.close();
      current = undefined;
    },
  };
};
