/**
 * How often a server will try a waiting message in the next day, by its usual retries: Postfix doubles from 300 s to 4000 s
 * (qmgr(8): minimal_backoff_time, maximal_backoff_time), Exim's default rule is F,2h,15m; G,16h,1h,1.5; F,4d,6h (Exim
 * specification, "Retry configuration"), Sendmail tries at each queue run, taken as every half hour. All give up after four or five days.
 */
import type { ServerName } from '../event.ts';

const minute = 60;
const hour = 3600;
const day = 86_400;

/** Seconds to the next attempt of a message of that age. */
type Spacing = (ageSeconds: number) => number;

const eximGrowing = (age: number): number => {
  let pause = hour;
  for (let at = 2 * hour; at + pause <= age; pause *= 1.5) at += pause;
  return pause;
};

const spacings = new Map<ServerName, { readonly spacing: Spacing; readonly lifetime: number }>([
  ['postfix', { spacing: (age) => Math.min(4000, Math.max(300, age)), lifetime: 5 * day }],
  [
    'exim',
    {
      spacing: (age) => (age < 2 * hour ? 15 * minute : age < 16 * hour ? eximGrowing(age) : 6 * hour),
      lifetime: 4 * day,
    },
  ],
  ['sendmail', { spacing: () => 30 * minute, lifetime: 5 * day }],
]);

/** Of a server that is not here, nothing is known. */
export const attemptsNextDay = (server: ServerName, ageSeconds: number): number => {
  const known = spacings.get(server);
  if (known === undefined) return 0;
  const from = Math.max(0, ageSeconds);
  const end = Math.min(from + day, known.lifetime);
  let attempts = 0;
  for (let age = from + known.spacing(from); age <= end; age += known.spacing(age)) attempts++;
  return attempts;
};
