/** The zones a log without offsets may mean: UTC, a fixed offset, or this machine's own (with its daylight saving). */
import type { Zone } from '../../model/zone.ts';

const minuteMs = 60_000;

export const utcZone: Zone = {
  name: 'utc',
  toTime: (year, month, day, hour, minute, second) => Date.UTC(year, month - 1, day, hour, minute, second),
};

/** @param minutesEast offset of the zone; +60 is one hour ahead of UTC */
const fixedZone = (name: string, minutesEast: number): Zone => ({
  name,
  toTime: (...fields) => utcZone.toTime(...fields) - minutesEast * minuteMs,
});

export const localZone: Zone = {
  name: 'local',
  toTime: (year, month, day, hour, minute, second) => new Date(year, month - 1, day, hour, minute, second).getTime(),
};

/** `local`, `utc` or `+01:00`; undefined for anything else. */
export const zoneOf = (name: string): Zone | undefined => {
  if (name === 'local') return localZone;
  if (name === 'utc' || name === 'Z') return utcZone;
  const parts = /^([+-])(\d\d):?(\d\d)$/.exec(name);
  if (parts === null) return undefined;
  const minutes = Number(parts[2]) * 60 + Number(parts[3]);
  return minutes > 14 * 60 ? undefined : fixedZone(name, parts[1] === '-' ? -minutes : minutes);
};
