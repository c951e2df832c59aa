/** How long evidence is kept: what was purged holds people's mail, and is not kept for ever without a reason. */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { remembered } from '../../act/queue-memory.ts';
import type { OpenDesk } from '../desk.ts';

const filesMax = 100_000;

/**
 * Removes evidence files that nobody has written to for so long, but none of a purge that is not over. A purge whose evidence
 * is gone cannot be undone any more.
 * @returns their names
 */
export const dropOldEvidence = (
  folder: string,
  keepSeconds: number,
  { receipts, now }: OpenDesk,
): readonly string[] => {
  if (keepSeconds === 0) return [];
  const busy = new Set(
    receipts
      .inState('open', 'undoing')
      .filter(({ kind }) => kind === 'queue-purge')
      .map(({ memory }) => remembered(memory).evidence),
  );
  const names = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith('.evidence'),
  );
  const dropped: string[] = [];
  for (const { name } of names.slice(0, filesMax)) {
    const path = join(folder, name);
    const seen = lstatSync(path, { throwIfNoEntry: false });
    if (seen === undefined || busy.has(path) || now() - seen.mtimeMs < keepSeconds * 1000) continue;
    rmSync(path);
    dropped.push(name);
  }
  return dropped;
};
