/** What a check says about one thing. */
export type Finding = {
  readonly id: string;
  /** `not-proven`: nothing is known, and that is no green. */
  readonly state: 'proven' | 'wrong' | 'not-proven';
  readonly words: string;
};

export const proven = (id: string, words: string): Finding => ({ id, state: 'proven', words });
export const wrong = (id: string, words: string): Finding => ({ id, state: 'wrong', words });
export const notProven = (id: string, words: string): Finding => ({ id, state: 'not-proven', words });

export const saidOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
