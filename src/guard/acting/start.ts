/**
 * The guard's hand: acts on convictions, ends what is over, puts back what somebody took away, and hears what a person says
 * on the command line (pause, allowance, who is shut out) through the ledger. All of it beside the judging, which never waits for it.
 */
import { recover } from '../../act/recover.ts';
import { repair } from '../../act/repair.ts';
import { sayByHand } from '../../judge/by-hand.ts';
import type { Table } from '../../judge/statistics/table.ts';
import { keysOf } from '../../model/firewall.ts';
import { evidenceFolder } from '../desk.ts';
import type { OpenDesk } from '../desk.ts';
import { createEnforcer } from './enforcer.ts';
import type { ActionNews } from '../notices/news.ts';
import type { Enforcer } from './enforcer.ts';
import { forgetOld } from './retention.ts';
import type { Values } from '../settings.ts';

const hearEveryMs = 2000;
const repairEveryMs = 10_000;
const forgetEveryMs = 3600_000;

/** What is let through, as the table looks for it: clients and networks with their ends in seconds. */
const allowedNow = (desk: OpenDesk): Map<string, number> => {
  const allowed = new Map<string, number>();
  for (const { subject, until } of desk.receipts.inForce('allowance')) {
    const { length, keys } = keysOf(subject);
    for (const key of keys) {
      const name = length === 32 || length === 128 ? key : `${key}/${length}`;
      allowed.set(name, Math.max(allowed.get(name) ?? 0, Math.floor((until ?? 0) / 1000)));
    }
  }
  return allowed;
};

const shutOutNow = (desk: OpenDesk): Map<string, number> =>
  new Map(desk.receipts.inForce('login-shut').map(({ subject, until }) => [subject, Math.floor((until ?? 0) / 1000)]));

/** The end of the latest emergency, seconds since 1970; 0: there is none. */
const strictNow = (desk: OpenDesk): number =>
  Math.max(0, ...desk.receipts.inForce('strict-answers').map(({ until }) => Math.floor((until ?? 0) / 1000)));

export type Acting = Enforcer & { readonly stop: () => Promise<void> };

export const startActing = (
  desk: OpenDesk,
  values: Values,
  table: Table,
  learningUntil: number,
  tell: (news: ActionNews) => void,
): Acting => {
  const enforcer = createEnforcer(
    desk,
    values,
    { perMinuteMax: Number(values.get('actions.perMinuteMax')), learningUntil },
    tell,
  );
  let heard = '';
  let epoch = Math.floor(Date.now() / 1000);
  const hear = (): void => {
    const pausedUntil = Math.floor((desk.pause.get()?.until ?? 0) / 1000);
    const allowed = allowedNow(desk);
    const shutOut = shutOutNow(desk);
    const strictUntil = strictNow(desk);
    const said = JSON.stringify([pausedUntil, [...allowed], [...shutOut], strictUntil]);
    if (said === heard) return;
    heard = said;
    sayByHand(table, { pausedUntil, allowed, shutOut, strictUntil }, ++epoch, Math.floor(Date.now() / 1000));
  };

  const complaints = new Set<string>();
  const say = (text: string): void => tell({ kind: 'action', incident: undefined, text });
  /** The same trouble is said once. */
  const complain = (text: string): void => {
    if (complaints.has(text)) return;
    complaints.add(text);
    say(text);
  };
  const mend = async (): Promise<void> => {
    for (const { receipt, text, failed } of await recover(desk))
      if (failed) complain(`${receipt.id} ${receipt.kind} ${receipt.subject}: ${text}`);
  };
  let working: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): void => {
    working = working
      .then(work)
      .catch((error: unknown) => complain(error instanceof Error ? error.message : String(error)));
  };
  const forget = (): Promise<void> => {
    forgetOld(desk, values, evidenceFolder(String(values.get('state'))));
    return Promise.resolve();
  };
  hear();
  inTurn(mend);
  inTurn(forget);
  const timers = [
    setInterval(() => {
      hear();
      inTurn(mend);
    }, hearEveryMs),
    setInterval(() => inTurn(forget), forgetEveryMs),
    setInterval(() => inTurn(async () => (await repair(desk)).forEach(say)), repairEveryMs),
  ];
  return {
    convicted: enforcer.convicted,
    settled: enforcer.settled,
    stop: async () => {
      for (const timer of timers) clearInterval(timer);
      await enforcer.settled();
      await working;
    },
  };
};
