/**
 * The guard's hand: acts on convictions, ends what is over, puts back what somebody took away, and hears what a person says
 * on the command line (pause, allowance, who is shut out) through the ledger. All of it beside the judging, which never waits for it.
 */
import { errorWords } from '../../model/fault.ts';
import { recover } from '../../act/recover.ts';
import { repair } from '../../act/repair.ts';
import type { Table } from '../../judge/statistics/table.ts';
import type { OpenDesk } from '../desk.ts';
import { createEnforcer } from './enforcer.ts';
import type { ActionNews } from '../notices/news.ts';
import type { Enforcer } from './enforcer.ts';
import { createHearing } from './hearing.ts';
import { createMissing } from './missing.ts';
import { forgetOld } from './retention.ts';
import type { Values } from '../settings.ts';

const hearEveryMs = 2000;
const repairEveryMs = 10_000;
const missEveryMs = 60_000;
const forgetEveryMs = 3600_000;

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
  const complaints = new Set<string>();
  const say = (text: string): void => tell({ kind: 'action', incident: undefined, text });
  /** The same trouble is said once. */
  const complain = (text: string): void => {
    if (complaints.has(text)) return;
    complaints.add(text);
    say(text);
  };
  const hearSaid = createHearing(desk, table);
  /** What was heard before holds while the ledger cannot be read. */
  const hear = (): void => {
    try {
      hearSaid();
    } catch (error) {
      complain(errorWords(error));
    }
  };
  const mend = async (): Promise<void> => {
    for (const { receipt, text, failed } of await recover(desk))
      if (failed) complain(`${receipt.id} ${receipt.kind} ${receipt.subject}: ${text}`);
  };
  let working: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): void => {
    working = working.then(work).catch((error: unknown) => complain(errorWords(error)));
  };
  const forget = async (): Promise<void> => void (await forgetOld(desk, values));
  let isStopping = false;
  const miss = createMissing(desk, say, () => isStopping);
  hear();
  inTurn(mend);
  inTurn(forget);
  const timers = [
    setInterval(() => {
      hear();
      inTurn(mend);
    }, hearEveryMs),
    setInterval(() => inTurn(forget), forgetEveryMs),
    setInterval(() => inTurn(miss), missEveryMs),
    setInterval(() => inTurn(async () => (await repair(desk)).forEach(say)), repairEveryMs),
  ];
  return {
    convicted: enforcer.convicted,
    settled: enforcer.settled,
    stop: async () => {
      isStopping = true;
      for (const timer of timers) clearInterval(timer);
      await enforcer.settled();
      await working;
    },
  };
};
