/** One growing log on its way to the judge: followed, cut into lines, read, and its events told. */
import type { Tell } from '../model/ports.ts';
import type { Zone } from '../model/zone.ts';
import { createLineCutter } from '../protocols/lines.ts';
import { followLog } from '../sense/logs/follow.ts';
import type { Following } from '../sense/logs/follow.ts';
import { followJournal, journalName } from '../sense/logs/journal.ts';
import { createLogReader } from '../servers/read.ts';
import type { LogPosition } from './snapshot.ts';

export type LiveLogOptions = {
  /** Or `journal`. */
  readonly path: string;
  readonly zone: Zone;
  /** Where an earlier run stopped. */
  readonly position: LogPosition | undefined;
  readonly tell: Tell;
  /** Told when everything before a position has been told. */
  readonly onPosition: (position: LogPosition) => void;
  readonly onProblem: (problem: string) => void;
};

export const readLive = ({ path, zone, position, tell, onPosition, onProblem }: LiveLogOptions): Following => {
  const reader = createLogReader(zone, () => Date.now());
  let tellNow: Tell = tell;
  let trouble = '';
  /** What cannot be judged costs its own line, not those behind it; the same trouble is said once. */
  const cutter = createLineCutter((line) => {
    try {
      reader.read(line, tellNow);
    } catch (error) {
      const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
      if (message !== trouble) onProblem(`${path}: a line could not be judged: ${stack}`);
      trouble = message;
    }
  });
  const feed = {
    /** Judged already: only the reader learns from it which sessions and messages are under way. */
    onEarlier: (text: string): void => {
      tellNow = () => undefined;
      cutter.feed(text);
      tellNow = tell;
    },
    onText: (text: string, behind: LogPosition | undefined): void => {
      cutter.feed(text);
      if (behind !== undefined) onPosition(behind);
    },
    onProblem,
  };
  return path === journalName
    ? followJournal({ position: position !== undefined && 'cursor' in position ? position : undefined, ...feed })
    : followLog({ path, position: position !== undefined && 'inode' in position ? position : undefined, ...feed });
};
