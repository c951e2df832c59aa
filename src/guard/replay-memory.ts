/** Where a replay of logs keeps its statistics: the same in every one, so that a log gives the same report each time. */
import { createMemory } from '../judge/memory.ts';
import type { Memory } from '../judge/memory.ts';

const memoryBytes = 64 * 1024 * 1024;
const replaySeed = 0x706f_7374;

export const replayMemory = (): Memory => createMemory(new SharedArrayBuffer(memoryBytes), replaySeed);
