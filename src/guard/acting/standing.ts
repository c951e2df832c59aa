/** How an address stands now: what the guard holds against it (from the saved snapshot), what is in force, who protects it. */
import { networkOf } from '../../model/address.ts';
import { createOverlap } from '../../model/address-set.ts';
import { Fault } from '../../model/fault.ts';
import { firewallSubject } from '../../model/firewall.ts';
import type { Receipt } from '../../model/receipt.ts';
import type { Standing } from '../../model/standing.ts';
import { hostileUntil } from '../../judge/standing/hostile.ts';
import { levelOf } from '../../judge/ladder.ts';
import { clientScore, wasEverGood } from '../../judge/score.ts';
import { defaultJudgeSettings } from '../../judge/settings.ts';
import type { OpenDesk } from '../desk.ts';
import { keptTable } from './kept-table.ts';

export type AddressStanding = {
  readonly subject: string;
  readonly standing: Standing;
  /** In nats; 11.5 convicts. */
  readonly score: number;
  /** Milliseconds since 1970. */
  readonly hostileUntil: number | undefined;
  readonly everGood: boolean;
  /** Why it is never blocked. */
  readonly protection: string | undefined;
  readonly inForce: readonly Receipt[];
};

type Judged = Pick<AddressStanding, 'standing' | 'score' | 'hostileUntil' | 'everGood'>;
const unknown: Judged = { standing: 'unknown', score: 0, hostileUntil: undefined, everGood: false };

const judged = async (state: string, subject: string): Promise<Judged> => {
  const table = await keptTable(state);
  if (table === undefined) return unknown;
  const seconds = Math.floor(Date.now() / 1000);
  const score = clientScore(table, subject, seconds, defaultJudgeSettings);
  const until = hostileUntil(table, subject, seconds);
  const mild = levelOf(score) === 'none' ? 'unknown' : 'suspect';
  return {
    standing: until > 0 ? 'hostile' : mild,
    score,
    hostileUntil: until > 0 ? until * 1000 : undefined,
    everGood: wasEverGood(table, subject, networkOf(subject.split('/')[0] ?? subject), seconds),
  };
};

/** @throws Fault USAGE for what is no address */
export const standingOf = async (text: string, state: string, desk: OpenDesk): Promise<AddressStanding> => {
  const subject = firewallSubject(text);
  if (subject === undefined)
    throw new Fault('USAGE', `${text}: expected an address (of an account or a domain: postern explain)`);
  const [protection] = await desk.carryOut({ verb: 'who-protects', subjects: [subject] });
  const touches = createOverlap([{ network: subject }]);
  const inForce = (['allowance', 'firewall-block'] as const)
    .flatMap((kind) => desk.receipts.inForce(kind))
    .filter((receipt) => touches(receipt.subject) !== undefined);
  const known = await judged(state, subject);
  const isTrusted = protection !== undefined || inForce.some(({ kind }) => kind === 'allowance');
  return {
    subject,
    ...known,
    standing: isTrusted ? 'trusted' : known.standing,
    protection: protection === undefined ? undefined : `${protection.network} is ${protection.why}`,
    inForce,
  };
};
