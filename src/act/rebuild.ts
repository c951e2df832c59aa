/** Makes a changed source of a map count: built by the map's own tool, late enough that daemons notice. */
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../model/fault.ts';
import type { CarryOut } from '../model/verb.ts';
import type { MapFormat } from '../servers/access-map.ts';

const millisecondsOf = (ns: string): number => Number(BigInt(ns) / 1_000_000n);

/**
 * A map that is built twice within a second, and opened by a daemon in between, would stay as it was in the daemon's memory:
 * whoever built it last, another process too, is known by the time of what was built.
 */
const awaitNextSecond = async (built: string, carryOut: CarryOut): Promise<void> => {
  const [seen] = await carryOut({ verb: 'look-files', paths: [built], startBytes: 0 });
  const now = Date.now();
  if (seen !== undefined && Math.floor(millisecondsOf(seen.facts.modifiedNs) / 1000) >= Math.floor(now / 1000))
    await pause(1000 - (now % 1000));
};

export const rebuild = async (format: MapFormat, path: string, source: string, carryOut: CarryOut): Promise<void> => {
  const verb = format.rebuild?.(path, source);
  if (verb === undefined) return;
  if (format.noticedBySecond) await awaitNextSecond(`${path}${format.builtEnding}`, carryOut);
  const { status, stdout, stderr } = await carryOut(verb);
  if (status !== 0)
    throw new Fault(
      'PARTLY_DONE',
      `${verb.program} ${verb.args.join(' ')} failed: ${`${stderr}${stdout}`.trim().split('\n')[0] ?? ''}`,
    );
};
