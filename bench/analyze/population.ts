/** Who appears in the generated log: clients, local users, strangers. Each is made from its number, nothing is kept. */
import type { Dice } from './dice.ts';

export type Client = {
  readonly address: string;
  /** `unknown` for one in six, as Postfix names a client without a valid PTR. */
  readonly name: string;
  readonly helo: string;
};

const clientsMax = 5_000_000;
const usersMax = 20_000;
const strangersMax = 400_000;
const domains = 40;

const mixed = (number: number): number => {
  const once = Math.imul(number ^ (number >>> 16), 0x45d9f3b);
  const twice = Math.imul(once ^ (once >>> 16), 0x45d9f3b);
  return (twice ^ (twice >>> 16)) >>> 0;
};

/** Public-looking: no 0/8, 10/8, 127/8, no multicast. */
const addressOf = (number: number): string => {
  const bits = mixed(number);
  if (bits % 20 === 0) return `2001:db8:${(bits >>> 16).toString(16)}:${(bits & 0xffff).toString(16)}::25`;
  const first = 11 + ((bits >>> 24) % 112);
  return `${first}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
};

export const clientOf = (number: number): Client => {
  const domain = `net${number % 3001}.example`;
  const helo = number % 7 === 0 ? `[${addressOf(number)}]` : `mail${number % 97}.${domain}`;
  return { address: addressOf(number), name: number % 6 === 0 ? 'unknown' : `host-${number}.${domain}`, helo };
};

export const localDomainOf = (number: number): string => `customer${number % domains}.test`;
export const anyClient = (dice: Dice): Client => clientOf(dice.rank(clientsMax));
export const anyUser = (dice: Dice): string => {
  const number = dice.rank(usersMax);
  return `user${number}@${localDomainOf(number)}`;
};
/** Nobody of this name exists here. */
export const anyGuess = (dice: Dice, domain = localDomainOf(dice.below(domains))): string =>
  `${dice.pick(['info', 'sales', 'john', 'maria', 'admin', 'office', 'kontakt'])}${dice.below(5000)}@${domain}`;
export const anyStranger = (dice: Dice): string => {
  const number = dice.rank(strangersMax);
  return `${dice.pick(['bounce', 'news', 'anna', 'peter', 'no-reply'])}${number}@net${number % 3001}.example`;
};
