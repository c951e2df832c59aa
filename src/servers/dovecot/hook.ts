/** Between Dovecot's authentication policy and the judge: messages to questions and events, a verdict to an answer. */
import { canonicalAddress } from '../../model/address.ts';
import { draftEvent } from '../../model/event.ts';
import type { Event, Protocol } from '../../model/event.ts';
import type { Question } from '../../model/question.ts';
import type { Verdict } from '../../model/verdict.ts';
import { goOn } from '../../protocols/dovecot-auth-policy/message.ts';
import type { PolicyAnswer, PolicyMessage } from '../../protocols/dovecot-auth-policy/message.ts';

const protocols = new Map<string, Protocol>([
  ['imap', 'imap'],
  ['pop3', 'pop3'],
  ['sieve', 'sieve'],
  ['smtp', 'submission'],
  ['submission', 'submission'],
]);

export const delaySecondsMax = 5;

/** Dovecot's text is UTF-8, ours is bytes as latin1; an empty account is no account. */
const accountOf = (login: string): string | undefined =>
  login === '' ? undefined : Buffer.from(login, 'utf8').toString('latin1');

export const questionOf = (message: PolicyMessage, time: number): Question => ({
  time,
  server: 'dovecot',
  stage: 'auth',
  client: canonicalAddress(message.remote),
  helo: undefined,
  account: accountOf(message.login),
  sender: undefined,
  recipient: undefined,
});

/** A report as a fact. The hash compares passwords of one login only, so the login is part of it. */
export const eventOf = (message: PolicyMessage, time: number): Event => {
  const event = draftEvent(time, 'dovecot', 'auth');
  event.outcome = message.success ? 'success' : 'failure';
  event.client = canonicalAddress(message.remote);
  event.account = accountOf(message.login);
  event.protocol = protocols.get(message.protocol);
  if (message.sessionId !== '') event.session = message.sessionId;
  if (message.success) return event;
  event.reason = message.policyReject ? 'policy' : 'bad-password';
  if (message.passwordHash !== '') event.password = `${message.login}:${message.passwordHash}`;
  return event;
};

/**
 * A refusal sounds like a wrong password, so that a guesser learns nothing; a step-up tells the owner to try again.
 * What is held is mail, so a login goes on.
 */
export const answerOf = (verdict: Verdict): PolicyAnswer => {
  switch (verdict.kind) {
    case 'accept':
    case 'hold':
      return goOn;
    case 'delay':
      return { status: Math.min(delaySecondsMax, Math.max(1, Math.ceil(verdict.delayMs / 1000))), msg: '' };
    case 'defer':
      return { status: -1, msg: verdict.reply.text };
    case 'reject':
    case 'drop':
      return { status: -1, msg: '' };
  }
};
