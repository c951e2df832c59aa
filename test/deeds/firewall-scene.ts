/** Blocks, or lifts a block, in a process that the test may kill. */
import { firewallBlock } from '../../src/act/firewall.ts';
import { perform } from '../../src/act/perform.ts';
import { undo } from '../../src/act/recover.ts';
import { openDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import { striking } from './killed.ts';
import type { Blow } from './killed.ts';

export type FirewallScript = { state: string; subject: string; until: number; undo: string | null; blow: Blow };

// The test wrote it.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const { state, subject, until, undo: id, blow } = JSON.parse(process.argv[2] ?? '') as FirewallScript;
const desk = openDesk(state, { carryOut: striking(createCarryOut(createAllowance()), blow) });
if (id === null)
  await perform(firewallBlock, { subject, until }, { who: 'test', why: 'test', until, incident: undefined }, desk);
else await undo([id], 'test', desk);
