/**
 * A slot budget: whoever is put to sleep keeps one of the server's processes busy, and a server has few (Postfix: 100
 * smtpd processes). So only a tenth of them ever sleeps; who comes then is not delayed.
 */
export const sleepersMax = 10;

export type Sleepers = {
  /** @returns false when enough sleep already */
  readonly admit: (time: number, delayMs: number) => boolean;
};

export const createSleepers = (max = sleepersMax): Sleepers => {
  let wakeTimes: number[] = [];
  return {
    admit: (time, delayMs) => {
      wakeTimes = wakeTimes.filter((wakeTime) => wakeTime > time);
      if (wakeTimes.length >= max) return false;
      wakeTimes.push(time + delayMs);
      return true;
    },
  };
};
