/** What is left of a value after `seconds`, when half of it goes every `halfLifeSeconds`. A clock that jumps back decays nothing. */
export const decayed = (value: number, seconds: number, halfLifeSeconds: number): number =>
  seconds <= 0 || value === 0 ? value : value * 2 ** (-seconds / halfLifeSeconds);

/** Logs are told of side by side, and one may lag; what is further ahead than this was written by a clock that was wrong. */
const aheadSecondsMax = 86_400;

/** True for a time that was noted while the clock was wrong: whoever waits until then would wait for days. */
export const isAhead = (time: number, seconds: number): boolean => time - seconds > aheadSecondsMax;

/** When a record was changed last, now that it is changed again. */
export const changedAt = (last: number, seconds: number): number =>
  isAhead(last, seconds) ? seconds : Math.max(last, seconds);
