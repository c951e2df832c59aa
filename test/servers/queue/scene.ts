/** Purges, or undoes, in a process that the test may kill. */
import { undo } from '../../../src/act/recover.ts';
import type { QueueWanted } from '../../../src/act/queue-memory.ts';
import { evidenceFolder } from '../../../src/guard/desk.ts';
import { purge } from '../../../src/guard/queue/deeds.ts';
import { striking } from '../../deeds/killed.ts';
import type { Blow } from '../../deeds/killed.ts';
import { carryOutAt, deskAt } from './places.ts';
import type { Place } from './places.ts';

export type Script = {
  readonly state: string;
  readonly place: Place;
  readonly wanted: QueueWanted;
  readonly undo: string | null;
  readonly blow: Blow;
};

// The test wrote it.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const script = JSON.parse(process.argv[2] ?? '') as Script;
const { state, place, wanted } = script;
const desk = deskAt(state, place, striking(carryOutAt(state, place), script.blow));
const order = { who: 'test', why: 'test', until: undefined, incident: undefined };
if (script.undo === null) await purge(wanted, evidenceFolder(state), order, desk);
else await undo([script.undo], 'test', desk);
