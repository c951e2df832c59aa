/** Mail in the queues of running servers: held, and taken out with all of it kept. */
import { mkdirSync } from 'node:fs';
import { queueHold } from '../../../src/act/queue-hold.ts';
import { queuePurge } from '../../../src/act/queue-purge.ts';
import type { Spool } from '../../../src/sense/queue/spool.ts';
import { startWorld } from '../../servers/lab/world.ts';
import { bytesOf, isHeld, list, settled, submit, wantedOf } from '../../servers/queue/mail.ts';
import { servers } from '../../servers/queue/places.ts';
import { row } from './row.ts';
import type { Stage } from './row.ts';

const count = 3;

type Start = (typeof servers)[number]['start'];
type Counts = (spool: Spool) => Promise<boolean>;

const start = (startServer: Start, counts: Counts) => async (): Promise<Stage> => {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await startWorld());
  await world.sink.stop();
  const { address, place } = stack.use(await startServer());
  await submit(address, 'alice', 'a', count);
  await settled(place, count);
  const whole = stack.move();
  return {
    kept: async () => bytesOf(await settled(place, count)),
    counts: () => counts(place.spool),
    [Symbol.asyncDispose]: () => whole.disposeAsync(),
  };
};

const areHeld: Counts = async (spool) => (await list({ spool })).every(isHeld);
const areGone: Counts = async (spool) => (await list({ spool })).length === 0;

let evidences = 0;

export const queueRows = servers.flatMap(({ name, spool, start: startServer }) => [
  row(name, {
    name: `${name}'s queue held`,
    act: queueHold,
    wanted: async () => wantedOf({ spool }, await list({ spool })),
    start: start(startServer, areHeld),
  }),
  row(name, {
    name: `${name}'s queue purged`,
    act: queuePurge,
    wanted: async (state) => {
      mkdirSync(`${state}/evidence`, { recursive: true, mode: 0o700 });
      const evidence = `${state}/evidence/${process.pid}-${++evidences}.evidence`;
      return { ...wantedOf({ spool }, await list({ spool })), evidence };
    },
    start: start(startServer, areGone),
  }),
]);
