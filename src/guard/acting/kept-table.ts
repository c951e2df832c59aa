/** What the guard has learned, as its snapshot keeps it: for commands that look while it runs, or does not. */
import { createMemory } from '../../judge/memory.ts';
import type { Table } from '../../judge/statistics/table.ts';
import { readSnapshot, snapshotFile } from '../snapshot.ts';

/** @param state the state directory. @returns undefined when nothing is kept yet */
export const keptTable = async (state: string): Promise<Table | undefined> => {
  const restored = await readSnapshot(snapshotFile(state));
  if (restored === undefined) return undefined;
  const buffer = new SharedArrayBuffer(restored.memory.length);
  new Uint8Array(buffer).set(restored.memory);
  return createMemory(buffer, restored.snapshot.seed).table;
};
