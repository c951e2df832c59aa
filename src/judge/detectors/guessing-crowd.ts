/** D8: many clients guess a few times each. Share of failures among 20 first (network, account) outcomes (DETECTION B.9). */
import { addToBlock } from '../statistics/contact-blocks.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { serverAim } from './detector.ts';
import { tags } from './tags.ts';

const observe = (facts: Facts, bench: Bench): void => {
  const { login, seconds, event } = facts;
  if (login === undefined || login.known || !login.newcomer) return;
  if (!addToBlock(bench.table, tags.guessingBlocks, 'logins', seconds, !login.success)) return;
  bench.accuse(facts, {
    detector: 'guessing-crowd',
    attack: 'password-guessing',
    target: serverAim(event),
    actor: undefined,
    crowd: true,
    why: 'of 20 first logins from networks new to their accounts, far more than usual failed',
  });
};

export const guessingCrowd: Detector = {
  name: 'guessing-crowd',
  attack: 'password-guessing',
  sentence: 'many clients guess passwords, a few each',
  listensTo: ['auth'],
  observe,
};
