/** What is left of a value after `seconds`, when half of it goes every `halfLifeSeconds`. A clock that jumps back decays nothing. */
export const decayed = (value: number, seconds: number, halfLifeSeconds: number): number =>
  seconds <= 0 || value === 0 ? value : value * 2 ** (-seconds / halfLifeSeconds);
