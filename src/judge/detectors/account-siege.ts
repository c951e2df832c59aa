/**
 * D7: one account is tried from many places. The account is never locked: it steps up, that is, it logs in only from
 * networks where it succeeded before, so its owner is not locked out (DETECTION B.8).
 *
 * A phone with an old password that roams through its provider's networks shows many networks but one provider; so the
 * networks must also lie in several regions (/16 or /32), or several different passwords must have been tried.
 */
import { regionOf } from '../../model/address.ts';
import { addPartner, readDistinct } from '../statistics/distinct.ts';
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { tags } from './tags.ts';

const windowSeconds = 86_400;
const stepUpSeconds = 7 * 86_400;
const networksMin = 5;
const regionsMin = 3;
const passwordsMin = 3;

/** True while the account logs in only from networks that know it. */
export const isStepUp = (table: Table, account: string, seconds: number): boolean => {
  const at = table.find(tags.stepUp, account.toLowerCase());
  return at >= 0 && (table.words[at + 4] ?? 0) > seconds;
};

const observe = (facts: Facts, bench: Bench): void => {
  const { login, prefix, network, event, seconds } = facts;
  if (login === undefined || login.account === undefined || prefix === undefined || network === undefined) return;
  if (login.success || login.known || event.client === undefined) return;
  const { account } = login;
  const { table } = bench;
  bench.note(facts, {
    attack: 'password-guessing',
    target: { kind: 'account', value: account },
    actor: { kind: 'client', value: prefix },
    detail: undefined,
    count: 'authFailures',
    events: event.count ?? 1,
  });
  if (event.password !== undefined)
    addPartner(table, tags.siegePasswords, account, seconds, event.password, windowSeconds);
  addPartner(table, tags.siegeRegions, account, seconds, regionOf(event.client), windowSeconds);
  const networks = addPartner(table, tags.siegeNetworks, account, seconds, network, windowSeconds);
  if (networks < networksMin) return;
  const regions = readDistinct(table, tags.siegeRegions, account, seconds, windowSeconds);
  const passwords = readDistinct(table, tags.siegePasswords, account, seconds, windowSeconds);
  // Where the log tells the password's hash, one password from everywhere is a device, not an attacker.
  if (passwords > 0 ? passwords < passwordsMin : regions < regionsMin) return;
  const at = table.place(tags.stepUp, account, shapes.guarded, seconds);
  if (at >= 0) table.words[at + 4] = seconds + stepUpSeconds;
  bench.accuse(facts, {
    detector: 'account-siege',
    attack: 'password-guessing',
    target: { kind: 'account', value: account },
    actor: undefined,
    crowd: true,
    why: `${account} failed from ${networks} networks where it never logged in, within a day`,
  });
};

export const accountSiege: Detector = {
  name: 'account-siege',
  attack: 'password-guessing',
  sentence: 'one account is tried from many networks',
  listensTo: ['auth'],
  observe,
};
