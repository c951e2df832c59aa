/** Acts, or undoes, in a process that the test may kill. */
import { perform } from '../../src/act/perform.ts';
import { undo } from '../../src/act/recover.ts';
import { openDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import { striking } from './killed.ts';
import type { Blow } from './killed.ts';
import { twoFiles } from './two-files.ts';

export type Script = { state: string; folder: string; text: string; undo: string | null; blow: Blow };

// The test wrote it.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const script = JSON.parse(process.argv[2] ?? '') as Script;
const carryOut = striking(createCarryOut(createAllowance({ roots: [{ path: script.folder }] })), script.blow);
const desk = openDesk(script.state, { carryOut, deeds: new Map([['setup', twoFiles]]) });
if (script.undo === null) {
  const order = { who: 'test', why: 'test', until: undefined, incident: undefined };
  await perform(twoFiles, { folder: script.folder, text: script.text }, order, desk);
} else await undo([script.undo], 'test', desk);
