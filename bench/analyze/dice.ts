/** Chance with a seed: the same numbers in every run. */
export type Dice = {
  /** 0 … below, evenly. */
  readonly below: (limit: number) => number;
  /** 1 … limit, each tenfold range as likely as the next: few appear often, most hardly ever, as in life. */
  readonly rank: (limit: number) => number;
  readonly chance: (share: number) => boolean;
  readonly pick: <T>(list: readonly [T, ...T[]]) => T;
  /** So many letters and digits. */
  readonly letters: (count: number) => string;
};

const alphabet = '0123456789ABCDEFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';

export const createDice = (seed: number): Dice => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // The low bits of such a generator are poor: mixed before use.
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    below,
    rank: (limit) => Math.floor(Math.exp(next() * Math.log(limit))),
    chance: (share) => next() < share,
    pick: (list) => list[below(list.length)] ?? list[0],
    letters: (count) => {
      let text = '';
      for (let i = 0; i < count; i++) text += alphabet[below(alphabet.length)] ?? '0';
      return text;
    },
  };
};
