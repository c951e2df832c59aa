/** Does a row's deed, or undoes it, in a process that the test may kill. */
import { undo } from '../../../src/act/recover.ts';
import { striking } from '../killed.ts';
import type { Blow } from '../killed.ts';
import { carryOutAt, deskAt } from './row.ts';
import { rows } from './rows.ts';

export type Script = {
  readonly name: string;
  readonly state: string;
  readonly undo: string | null;
  readonly blow: Blow;
};

// The test wrote it.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const { name, state, undo: id, blow } = JSON.parse(process.argv[2] ?? '') as Script;
const row = rows.find((each) => each.name === name);
if (row === undefined) throw new Error(`there is no row ${name}`);
const desk = deskAt(state, striking(carryOutAt(state), blow));
if (id === null) await row.perform(desk, state);
else await undo([id], 'test', desk);
