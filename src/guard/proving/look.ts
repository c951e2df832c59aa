/**
 * One look at one place: a marked session that the guard refuses in words nobody else says. It goes no further than MAIL, or
 * RCPT where Postfix asks no earlier, or a login that nobody has: no message is made, and nothing waits for a time-out.
 */
import type { Wiring } from '../../servers/wiring.ts';
import { notProven, saidOf, wrong } from '../check/finding.ts';
import type { Finding } from '../check/finding.ts';
import { proveLogin } from '../check/logins.ts';
import { addressToComeFrom, dialledHost, trustOf } from '../check/machine.ts';
import { proveStage } from '../check/stages.ts';
import type { Prober, SmtpTarget } from '../check/stages.ts';
import type { OwnSessions } from './own-sessions.ts';
import type { Place } from './place.ts';

export type Looker = Omit<Prober, 'target'> & { readonly sessions: OwnSessions; readonly given: AbortSignal };

const isLoopback = (host: string): boolean => host.startsWith('127.') || host === '::1';

/** @returns undefined when the configuration cannot be read */
const isWiredAt = (wiring: Wiring | undefined, { host, port, hook }: Place): boolean | undefined =>
  wiring?.services.some((service) => service.port === port && dialledHost(service) === host && service.hooks.has(hook));

const lookAs = async (prober: Prober, { hook }: Place, isWired: boolean): Promise<Finding> => {
  const stage = hook === 'policy' ? 'recipient' : 'sender';
  const found =
    hook === 'authPolicy'
      ? (await proveLogin(prober, hook, isWired))?.finding
      : await proveStage(prober, hook, stage, isWired ? 'configured' : 'not');
  return found ?? notProven('auth', 'no login is offered there');
};

/** @param wiring what the server's configuration says now; undefined: it cannot be read */
export const lookAt = async (
  place: Place,
  wiring: Wiring | undefined,
  { sessions, given, ...prober }: Looker,
): Promise<Pick<Finding, 'state' | 'words'>> => {
  const { host, port, server } = place;
  const from =
    (wiring === undefined ? undefined : addressToComeFrom(wiring)) ?? (isLoopback(host) ? '127.0.0.1' : host);
  const target: SmtpTarget = { host, port, from, recipient: wiring?.postmaster ?? 'postmaster', given };
  // What once was proven and cannot be read any more is taken at its word.
  const isWired = isWiredAt(wiring, place);
  try {
    const found = await sessions.during(server, from, () => lookAs({ ...prober, target }, place, isWired !== false));
    if (found.state === 'proven') return found;
    if (isWired === false) return wrong(found.id, `not asked: its configuration does not name ${place.hook} any more`);
    const trusted = place.hook === 'policy' ? trustOf(wiring, from) : undefined;
    return found.state === 'wrong' && trusted !== undefined
      ? notProven(found.id, `not asked about this address, ${trusted}, and there is no other to come from`)
      : found;
  } catch (error) {
    return notProven('asked', saidOf(error));
  }
};
