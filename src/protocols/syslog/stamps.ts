/**
 * Stamps: the time at the start of a log line, in the two families that mail servers use.
 *
 *   traditional  `Nov 21 00:10:31`          no year, no zone (RFC 3164 §4.1.2)
 *   ISO          `2026-11-21T00:10:31.123456+01:00`, also with a space for `T`, without fraction or zone (RFC 3339)
 *
 * A stamp without a year takes the one that brings it nearest to the stamp before, never later than a day after the
 * reference (the file's last change, or now). So the turn of the year works in both directions, also when a clock jumps
 * back over it. An hour's start is worked out once: a stamp in the same hour costs a few additions.
 */
import type { Zone } from '../../model/zone.ts';

export type Stamps = {
  /**
   * Reads a stamp that begins at `at`.
   * @returns the index behind the stamp, or -1 when there is none; the time is then in `time`
   */
  readonly read: (line: string, at: number) => number;
  /** Of the last stamp read, milliseconds since 1970 UTC. */
  time: number;
};

const dayMs = 86_400_000;
const minuteMs = 60_000;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const codeOf = (name: string): number => (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2);
const monthOfCode = new Map(months.map((name, at) => [codeOf(name), at + 1]));
/** A log stays in one month for long. */
const lately = { code: 0, month: 0 };

const monthAt = (line: string, at: number): number => {
  const code = (line.charCodeAt(at) << 16) | (line.charCodeAt(at + 1) << 8) | line.charCodeAt(at + 2);
  if (code !== lately.code) {
    lately.code = code;
    lately.month = monthOfCode.get(code) ?? 0;
  }
  return lately.month;
};

/** Two decimal digits at `at`, a leading space counts as zero; -1 when they are none. */
const two = (line: string, at: number): number => {
  const tens = line.charCodeAt(at) === 32 ? 0 : line.charCodeAt(at) - 48;
  const ones = line.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
};

type Clock = { readonly hour: number; readonly minute: number; readonly second: number };
const clock = { hour: 0, minute: 0, second: 0 } satisfies Clock;

/** `HH:MM:SS` at `at` into `clock`; false when it is none. A leap second is taken for :59. */
const readClock = (line: string, at: number): boolean => {
  const hour = two(line, at);
  const minute = two(line, at + 3);
  const second = two(line, at + 6);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
  if (line.charCodeAt(at + 2) !== 58 || line.charCodeAt(at + 5) !== 58) return false;
  clock.hour = hour;
  clock.minute = minute;
  clock.second = Math.min(second, 59);
  return true;
};

/** @param latest milliseconds since 1970: no stamp without a year means a later time than a day after it */
// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const createStamps = (zone: Zone, latest: () => number): Stamps => {
  // In an object: numbers this large in variables would be new objects for each line.
  const known = { lastTime: NaN, hourStart: 0 };
  let hourKey = -1;

  const inHour = (): number => clock.minute * minuteMs + clock.second * 1000;

  const hourOf = (key: number, year: number, month: number, day: number): number => {
    if (key !== hourKey) {
      hourKey = key;
      known.hourStart = zone.toTime(year, month, day, clock.hour, 0, 0);
    }
    return known.hourStart;
  };

  const yearless = (month: number, day: number): number => {
    const reference = latest();
    const referenceYear = new Date(reference).getUTCFullYear();
    const around = Number.isNaN(known.lastTime) ? referenceYear : new Date(known.lastTime).getUTCFullYear();
    let best = NaN;
    for (const year of [around - 1, around, around + 1]) {
      const time = zone.toTime(year, month, day, clock.hour, 0, 0);
      if (time > reference + dayMs) continue;
      const distance = Math.abs(time - (Number.isNaN(known.lastTime) ? reference : known.lastTime));
      if (Number.isNaN(best) || distance < Math.abs(best - (Number.isNaN(known.lastTime) ? reference : known.lastTime)))
        best = time;
    }
    return best;
  };

  const readTraditional = (line: string, at: number): number => {
    const month = monthAt(line, at);
    if (month === 0 || line.charCodeAt(at + 3) !== 32 || line.charCodeAt(at + 6) !== 32) return -1;
    const day = two(line, at + 4);
    if (day < 1 || day > 31 || !readClock(line, at + 7)) return -1;
    const key = (month * 32 + day) * 24 + clock.hour;
    if (key !== hourKey) {
      const start = yearless(month, day);
      if (Number.isNaN(start)) return -1;
      hourKey = key;
      known.hourStart = start;
    }
    stamps.time = known.hourStart + inHour();
    known.lastTime = stamps.time;
    // rsyslog and `journalctl -o short-precise` may write a fraction here too.
    let end = at + 15;
    if (line.charCodeAt(end) === 46) for (end++; isDigit(line, end);) end++;
    return end;
  };

  const readIso = (line: string, at: number): number => {
    const year = two(line, at) * 100 + two(line, at + 2);
    const month = two(line, at + 5);
    const day = two(line, at + 8);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return -1;
    if (line.charCodeAt(at + 4) !== 45 || line.charCodeAt(at + 7) !== 45) return -1;
    const between = line.charCodeAt(at + 10);
    if ((between !== 84 && between !== 32) || !readClock(line, at + 11)) return -1;
    let end = at + 19;
    let ms = 0;
    if (line.charCodeAt(end) === 46) {
      end++;
      for (let scale = 100; isDigit(line, end); end++, scale /= 10)
        ms += Math.floor((line.charCodeAt(end) - 48) * scale);
    }
    return finishIso(line, end, year, month, day, ms);
  };

  const finishIso = (line: string, at: number, year: number, month: number, day: number, ms: number): number => {
    const sign = line.charCodeAt(at);
    if (sign === 90) {
      stamps.time = Date.UTC(year, month - 1, day, clock.hour) + inHour() + ms;
      known.lastTime = stamps.time;
      return at + 1;
    }
    // A space before the offset is Exim's `+timezone` form.
    const offsetAt = sign === 32 && (line.charCodeAt(at + 1) === 43 || line.charCodeAt(at + 1) === 45) ? at + 1 : at;
    const plus = line.charCodeAt(offsetAt);
    const hours = two(line, offsetAt + 1);
    const colon = line.charCodeAt(offsetAt + 3) === 58 ? 1 : 0;
    const minutes = two(line, offsetAt + 3 + colon);
    if ((plus === 43 || plus === 45) && hours >= 0 && minutes >= 0) {
      const east = (hours * 60 + minutes) * (plus === 43 ? 1 : -1);
      stamps.time = Date.UTC(year, month - 1, day, clock.hour) + inHour() + ms - east * minuteMs;
      known.lastTime = stamps.time;
      return offsetAt + 5 + colon;
    }
    const key = -2 - ((year * 12 + month) * 32 + day) * 24 - clock.hour;
    stamps.time = hourOf(key, year, month, day) + inHour() + ms;
    known.lastTime = stamps.time;
    return at;
  };

  const stamps: Stamps = {
    time: 0,
    read: (line, at) => (isDigit(line, at) ? readIso(line, at) : readTraditional(line, at)),
  };
  return stamps;
};

const isDigit = (line: string, at: number): boolean => {
  const code = line.charCodeAt(at);
  return code >= 48 && code <= 57;
};
