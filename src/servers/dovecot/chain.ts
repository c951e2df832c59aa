/**
 * Several password databases, asked in turn (passdb, more than one): each says of each login that it does not know it, and
 * only the last one's word is a failure. With auth_verbose_passwords Dovecot says that it goes on; without, that a database
 * is not the last is learnt when another one fails behind it in a session's first login.
 */
import { keep } from '../../model/keep.ts';
import type { Reason } from '../../model/event.ts';
import { recent } from '../recent.ts';
import type { Recent } from '../recent.ts';

type Asked = { readonly driver: string; readonly isFirst: boolean; readonly waiting: Reason | undefined };

export type Chain = {
  /** Databases behind which another one is asked. */
  readonly early: Set<string>;
  /** Who failed last, by session. */
  readonly asked: Recent<Asked>;
};

const askedMax = 16_384;
const earlyMax = 16;

export const newChain = (): Chain => ({ early: new Set(), asked: recent(askedMax) });

/**
 * A database has said no.
 * @param goesOn whether the line says that the next one is asked
 * @returns what is to be told, or undefined when another database will be asked
 */
export const settle = (
  { early, asked }: Chain,
  session: string,
  driver: string,
  reason: Reason,
  goesOn: boolean,
): Reason | undefined => {
  const before = asked.get(session);
  const isNext = before !== undefined && before.driver !== driver;
  if (isNext && before.isFirst && early.size < earlyMax) early.add(before.driver);
  // Who is known to one of them gave a wrong password, whatever the others say.
  const worst = isNext && before.waiting === 'bad-password' ? before.waiting : reason;
  const waits = goesOn || early.has(driver);
  asked.set(session, { driver: keep(driver), isFirst: before === undefined, waiting: waits ? worst : undefined });
  return waits ? undefined : worst;
};
