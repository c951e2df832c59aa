/** Writes an entry into an access map, or takes it out, in a process that the test may kill. */
import { accessEntry } from '../../src/act/access-entry.ts';
import type { AccessWanted } from '../../src/act/access-entry.ts';
import { perform } from '../../src/act/perform.ts';
import { undo } from '../../src/act/recover.ts';
import { openDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import { striking } from './killed.ts';
import type { Blow } from './killed.ts';

export type AccessScript = { state: string; wanted: AccessWanted; undo: string | null; blow: Blow };

// The test wrote it.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const { state, wanted, undo: id, blow } = JSON.parse(process.argv[2] ?? '') as AccessScript;
const desk = openDesk(state, { carryOut: striking(createCarryOut(createAllowance()), blow) });
const order = { who: 'test', why: 'test', until: undefined, incident: undefined };
if (id === null) await perform(accessEntry, wanted, order, desk);
else await undo([id], 'test', desk);
