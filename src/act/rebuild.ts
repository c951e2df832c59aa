/** Makes a changed source of a map count: built by the map's own tool, late enough that daemons notice. */
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../model/fault.ts';
import type { CarryOut } from '../model/verb.ts';
import type { MapFormat } from '../servers/access-map.ts';

/** When each map was last built by this process, milliseconds since 1970. */
const builtAt = new Map<string, number>();
const secondOf = (time: number): number => Math.floor(time / 1000);

/** A map that is built twice within a second, and opened in between, would stay as it was in a daemon's memory. */
export const awaitNextSecond = async (path: string, sourceModified: number): Promise<void> => {
  const last = Math.max(builtAt.get(path) ?? 0, sourceModified);
  const now = Date.now();
  if (secondOf(now) === secondOf(last)) await pause(1000 - (now % 1000));
  builtAt.set(path, Date.now());
};

export const rebuild = async (format: MapFormat, path: string, source: string, carryOut: CarryOut): Promise<void> => {
  const verb = format.rebuild?.(path, source);
  if (verb === undefined) return;
  const { status, stdout, stderr } = await carryOut(verb);
  if (status !== 0)
    throw new Fault(
      'PARTLY_DONE',
      `${verb.program} ${verb.args.join(' ')} failed: ${`${stderr}${stdout}`.trim().split('\n')[0] ?? ''}`,
    );
};
