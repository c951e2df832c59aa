/** What a check says about one thing. */
import { errorWords } from '../../model/fault.ts';
export type Finding = {
  readonly id: string;
  /** `not-proven`: nothing is known, and that is no green. */
  readonly state: 'proven' | 'wrong' | 'not-proven';
  readonly words: string;
};

export const proven = (id: string, words: string): Finding => ({ id, state: 'proven', words });
export const wrong = (id: string, words: string): Finding => ({ id, state: 'wrong', words });
export const notProven = (id: string, words: string): Finding => ({ id, state: 'not-proven', words });

/** What a connection that was not made is called by people (errno(3)). */
const plainWords = new Map([
  ['ECONNREFUSED', 'nobody listens there'],
  ['ETIMEDOUT', 'nobody answered in time'],
  ['ABORT_ERR', 'nobody answered in time'],
  ['EHOSTUNREACH', 'no way leads there'],
  ['ENETUNREACH', 'no way leads there'],
  ['EADDRNOTAVAIL', 'the address to come from (--from) is none of this machine'],
]);

export const saidOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return plainWords.get(code) ?? errorWords(error);
};
