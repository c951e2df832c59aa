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
export const awaitNextSecond = async (built: string, carryOut: CarryOut): Promise<void> => {
  const [seen] = await carryOut({ verb: 'look-files', paths: [built], startBytes: 0 });
  const now = Date.now();
  if (seen !== undefined && Math.floor(millisecondsOf(seen.facts.modifiedNs) / 1000) >= Math.floor(now / 1000))
    await pause(1000 - (now % 1000));
};

const putBuilt = async (path: string, content: Uint8Array, carryOut: CarryOut): Promise<void> => {
  const seen = await carryOut({ verb: 'read-file', path });
  if (seen !== undefined && Buffer.compare(seen.bytes, content) === 0) return;
  await carryOut({ verb: 'replace-file', path, expected: seen?.bytes, content });
};

export const rebuild = async (format: MapFormat, path: string, source: string, carryOut: CarryOut): Promise<void> => {
  if (format.build !== undefined) return putBuilt(`${path}${format.builtEnding}`, format.build(source), carryOut);
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

/** What the map itself answers, as it is built now; undefined: nothing. Not for a map that is read at each lookup. */
export const answerOf = async (
  format: MapFormat,
  path: string,
  subject: string,
  key: string,
  carryOut: CarryOut,
): Promise<string | undefined> => {
  const verb = format.probe?.(path, subject, key);
  return verb === undefined ? undefined : format.answerIn((await carryOut(verb)).stdout, key);
};
