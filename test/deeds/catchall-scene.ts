/** Locks the catch-all of a map, or puts it back, in a process that the test may kill. */
import { catchAllLock } from '../../src/act/catchall-lock.ts';
import type { CatchAllWanted } from '../../src/act/catchall-lock.ts';
import { perform } from '../../src/act/perform.ts';
import { undo } from '../../src/act/recover.ts';
import { openDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import { striking } from './killed.ts';
import type { Blow } from './killed.ts';

export type CatchAllScript = { state: string; wanted: CatchAllWanted; undo: string | null; blow: Blow };

// The test wrote it.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const { state, wanted, undo: id, blow } = JSON.parse(process.argv[2] ?? '') as CatchAllScript;
const desk = openDesk(state, { carryOut: striking(createCarryOut(createAllowance()), blow) });
const order = { who: 'test', why: 'test', until: undefined, incident: undefined };
if (id === null) await perform(catchAllLock, wanted, order, desk);
else await undo([id], 'test', desk);
