/** What a hostile client gets: held within the budget, or sent away, as its campaign has taught (`answers.ts`). */
import { domainOf } from '../../../model/address.ts';
import { laterReply } from '../../../model/reply.ts';
import type { Verdict } from '../../../model/verdict.ts';
import { reply } from '../../../protocols/smtp/reply.ts';
import type { SmtpReply } from '../../../protocols/smtp/reply.ts';
import { campaignOf, habitOf } from './answers.ts';
import type { GateDesk, Session } from '../session.ts';

export type HardVerdict = Extract<Verdict, { kind: 'drop' | 'reject' }>;

/** @param recipient that was asked for. @param refuse makes the reply, and notes why */
export const answerHostile = (
  session: Session,
  desk: GateDesk,
  recipient: string | undefined,
  verdict: HardVerdict,
  refuse: (verdict: HardVerdict) => SmtpReply,
): SmtpReply => {
  // A relay prober asks for any domain: only one of ours tells campaigns apart.
  const asked = domainOf(recipient ?? '');
  const campaign = campaignOf(verdict.why, desk.domains?.has(asked) === true ? asked : '');
  session.answered ??= desk.answers.choose(
    campaign,
    session.client,
    performance.now(),
    habitOf(session.helo, session.esmtp, (name) => name === desk.name || desk.domains?.has(name) === true),
  );
  if (session.answered.answer === 'drop') {
    session.closing = true;
    return refuse(verdict);
  }
  if (session.heldAnswers === undefined) {
    if (!desk.tarpit.admit()) {
      session.closing = true;
      return reply(421, '4.7.0 Too busy, closing connection');
    }
    session.heldAnswers = 0;
  }
  session.waitMs += desk.tarpit.waitOf(session.heldAnswers++);
  // 421 would promise an end (RFC 5321 §3.8).
  return refuse(verdict.kind === 'drop' ? { ...verdict, reply: laterReply } : verdict);
};
