/** Why a login failed, in the words of Cyrus SASL (sasl_errstring(3)), Dovecot and Postfix, who all pass them on. */
import type { Reason } from '../model/event.ts';

/** A server that cannot ask its accounts says nothing about passwords: aborted. */
const failures: readonly (readonly [string, Reason])[] = [
  ['Invalid base64', 'malformed'],
  ['Invalid authentication mechanism', 'malformed'],
  ['no mechanism available', 'malformed'],
  ['aborted', 'aborted'],
  ['onnection lost', 'aborted'],
  ['emporary', 'aborted'],
  ['generic failure', 'aborted'],
  ['bad protocol / cancel', 'aborted'],
  ['user not found', 'unknown-account'],
  ['account disabled', 'disabled'],
  ['encryption needed', 'no-tls'],
];
/** @param why what stands where no client wrote */
export const saslReason = (why: string): Reason =>
  failures.find(([phrase]) => why.includes(phrase))?.[1] ?? 'bad-password';
