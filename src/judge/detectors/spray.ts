/** D9: one password tried on many accounts from several networks. Needs a hash that leaves the user name out (Dovecot auth_verbose_passwords=sha1:N). */
import { addPartner, readDistinct } from '../statistics/distinct.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { serverAim } from './detector.ts';
import { tags } from './tags.ts';

const windowSeconds = 86_400;
const accountsMin = 5;
const networksMin = 3;

const observe = (facts: Facts, bench: Bench): void => {
  const { login, event, network, seconds } = facts;
  if (login === undefined || login.success || login.account === undefined) return;
  if (event.password === undefined || network === undefined) return;
  addPartner(bench.table, tags.sprayNetworks, event.password, seconds, network, windowSeconds);
  const accounts = addPartner(bench.table, tags.sprayAccounts, event.password, seconds, login.account, windowSeconds);
  if (accounts < accountsMin) return;
  const networks = readDistinct(bench.table, tags.sprayNetworks, event.password, seconds, windowSeconds);
  if (networks < networksMin) return;
  bench.accuse(facts, {
    detector: 'spray',
    attack: 'password-guessing',
    target: serverAim(event),
    actor: undefined,
    crowd: true,
    why: `one password was tried on ${accounts} accounts from ${networks} networks within a day`,
  });
};

export const spray: Detector = {
  name: 'spray',
  attack: 'password-guessing',
  sentence: 'one password is tried on many accounts',
  listensTo: ['auth'],
  observe,
};
