/** Whether the lab is open: `test/run.mjs` brings the servers, makes the machine and says so. */
import assert from 'node:assert/strict';

const state =
  process.env['POSTERN_LAB'] ?? 'run it through `npm test -- FILE`, which makes the machine for the real servers';

/** For `test('…', { skip: labClosed }, …)`: false, or the reason. */
export const labClosed: string | false = state === 'ready' ? false : state;

/** Why the lab should be open here and is not; undefined when it is, or when this machine cannot have one. */
export const labFailure: string | undefined = state.startsWith('failed') ? state : undefined;

/** Memory that is gone after the run; servers that cannot be installed beside another are unpacked here. */
export const labDir = (): string => {
  const dir = process.env['POSTERN_LAB_DIR'];
  assert.ok(dir !== undefined && labClosed === false, `there is no lab: ${state}`);
  return dir;
};
