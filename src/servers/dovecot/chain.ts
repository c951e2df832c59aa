/**
 * Several databases, asked in turn (passdb and userdb, more than one): each says of each login that it does not know it, and
 * only the last one's word is a failure. With auth_verbose_passwords Dovecot says that it goes on; without, that a database
 * is not the last is learnt when another one fails behind it in a session's first login, or when an account logs in that it
 * did not know.
 */
import { keep } from '../../model/keep.ts';
import type { Reason } from '../../model/event.ts';
import { recent } from '../recent.ts';
import type { Recent } from '../recent.ts';

type Asked = {
  readonly driver: string;
  readonly isFirst: boolean;
  readonly waiting: Reason | undefined;
  /** The account that this database does not know. */
  readonly unknown: string | undefined;
  /** A failure was told: the login process will sum it up once more. */
  readonly isTold: boolean;
};
const nobodyAsked: Asked = { driver: '', isFirst: false, waiting: undefined, unknown: undefined, isTold: false };

export type Chain = {
  /** Databases behind which another one is asked. */
  readonly early: Set<string>;
  /** Who failed last, by session. */
  readonly asked: Recent<Asked>;
  readonly drivers: string[];
};

const askedMax = 16_384;
const driversMax = 16;

export const newChain = (): Chain => ({ early: new Set(), asked: recent(askedMax), drivers: [] });

const kept = ({ drivers }: Chain, driver: string): string => {
  const known = drivers.find((name) => name === driver);
  if (known !== undefined) return known;
  const name = keep(driver);
  if (drivers.length < driversMax) drivers.push(name);
  return name;
};

const learn = ({ early }: Chain, driver: string): void => {
  if (early.size < driversMax) early.add(driver);
};

export const isTold = ({ asked }: Chain, session: string): boolean => asked.get(session)?.isTold === true;

/** A failure of this session was told that no database's word was needed for. */
export const noteTold = ({ asked }: Chain, session: string): void =>
  asked.set(session, { ...(asked.get(session) ?? nobodyAsked), isTold: true });

/** An account has logged in. */
export const proven = (
  chain: Chain,
  { session, account }: { readonly session: string | undefined; readonly account: string | undefined },
): void => {
  const before = session === undefined ? undefined : chain.asked.get(session);
  if (before?.unknown !== undefined && before.unknown === account) learn(chain, before.driver);
};

/**
 * A database has said no.
 * @param goesOn whether the line says that the next one is asked
 * @returns what is to be told, or undefined when another database will be asked
 */
export const settle = (
  chain: Chain,
  { session, account }: { readonly session: string; readonly account: string },
  driver: string,
  reason: Reason,
  goesOn: boolean,
): Reason | undefined => {
  const { early, asked } = chain;
  const before = asked.get(session);
  const isNext = before !== undefined && before.driver !== driver;
  if (isNext && before.isFirst) learn(chain, before.driver);
  // Who is known to one of them gave a wrong password, whatever the others say.
  const worst = isNext && before.waiting === 'bad-password' ? before.waiting : reason;
  const waits = goesOn || early.has(driver);
  asked.set(session, {
    driver: kept(chain, driver),
    isFirst: before === undefined,
    waiting: waits ? worst : undefined,
    unknown: reason === 'unknown-account' ? keep(account) : undefined,
    isTold: !waits || before?.isTold === true,
  });
  return waits ? undefined : worst;
};
