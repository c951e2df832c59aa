/**
 * In an emergency, clients that were never good hear a 4xx at the recipient until they come back: a mail server does, a
 * guesser seldom. The receipt itself is the switch: the guard reads it and its hooks obey. Undone: answers as before.
 */
import type { Act } from './act.ts';

export const strictAnswers: Act<undefined> = {
  kind: 'strict-answers',
  renews: true,
  plan: () =>
    Promise.resolve({
      subject: 'unknown clients',
      lines: ['clients that never sent good mail are asked to come back in five minutes'],
      memory: null,
    }),
  carry: () => Promise.resolve(),
  verify: () => Promise.resolve({ took: true, text: 'the running guard answers so' }),
  undo: () => Promise.resolve(''),
};
