/** Points in time as a postmaster types them. */
import { Fault } from '../model/fault.ts';
import { durationSeconds } from '../guard/settings.ts';

const dayMs = 86_400_000;

/**
 * `2026-11-21`, `2026-11-21T03:00[:00][Z|+01:00]`, `today`, `yesterday`, or `2d`, `4h` (before now).
 * @param now milliseconds since 1970 UTC; the result too
 */
export const momentOf = (text: string, now: number, option: string): number => {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (text === 'now') return now;
  if (text === 'today') return midnight;
  if (text === 'yesterday') return midnight - dayMs;
  const ago = durationSeconds(text.startsWith('-') ? text.slice(1) : text);
  if (ago !== undefined && text !== '0') return now - ago * 1000;
  const date = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text.replace(' ', 'T');
  const time = /^\d{4}-\d\d-\d\dT/.test(date) ? Date.parse(date) : NaN;
  if (Number.isNaN(time))
    throw new Fault(
      'USAGE',
      `--${option} ${text}: expected a date (2026-11-21, 2026-11-21T03:00), today, yesterday, or a time ago (2d, 4h)`,
    );
  return time;
};
