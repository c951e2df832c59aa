/** The attacks inside the generated log. Each lasts a stretch of lines and has actors of its own. */
import type { Dice } from './dice.ts';
import { clientOf, localDomainOf } from './population.ts';
import type { Client } from './population.ts';
import { harvest, inbound, loginFailures, outbound, relayProbe, saslFailures } from './sessions.ts';
import type { Session } from './sessions.ts';

/** Attackers are numbered apart from all others. */
const firstAttacker = 6_000_000;
const crowd = 800;

type Attack = (number: number) => Session;
const attackerOf = (number: number): Client => clientOf(firstAttacker + number * crowd);
const oneOfCrowd = (dice: Dice, number: number): Client => clientOf(firstAttacker + number * crowd + dice.below(crowd));
const victimOf = (number: number): string => `user${number + 1}@${localDomainOf(number + 1)}`;

const attacks: readonly [Attack, ...Attack[]] = [
  (number) => (dice, pid) => harvest(dice, pid, attackerOf(number), 20),
  (number) => (dice, pid) => harvest(dice, pid, oneOfCrowd(dice, number), 2),
  (number) => (dice, pid) => saslFailures(dice, pid, attackerOf(number), victimOf(number), 3),
  (number) => (dice) => loginFailures(dice, oneOfCrowd(dice, number), victimOf(number)),
  (number) => (dice, pid) => relayProbe(dice, pid, attackerOf(number)),
  (number) => (dice, pid) => harvest(dice, pid, oneOfCrowd(dice, number), 1, ''),
  (number) => (dice, pid) => outbound(dice, pid, victimOf(number), 0.4, oneOfCrowd(dice, number)),
  (number) => (dice, pid) => inbound(dice, pid, oneOfCrowd(dice, number), ''),
];

const stretchLines = 100_000;
const shareOfSessions = 0.08;

/** The session of the attack that is on at this line, if it is its turn; half of the time there is none. */
export const attackAt = (dice: Dice, line: number): Session | undefined => {
  if (line % stretchLines > stretchLines / 2 || !dice.chance(shareOfSessions)) return undefined;
  const number = Math.floor(line / stretchLines);
  return (attacks[number % attacks.length] ?? attacks[0])(number);
};
