/** From the requests of one connection to actions: asks the judge, and fails open when the judge does not know. */
import type { Ask } from '../../model/ports.ts';
import type { Question } from '../../model/question.ts';
import type { Verdict } from '../../model/verdict.ts';
import type { PolicyRequest } from '../../protocols/postfix-policy/request.ts';
import { actionOf, noAction, questionOf } from '../../servers/postfix/hook.ts';
import type { LastRecipient } from './outcomes.ts';
import type { Sleepers } from './sleepers.ts';

export type PolicyCounts = {
  questions: number;
  /** Answered DUNNO because they were no policy requests. */
  garbage: number;
  /** Connections closed because a request had no end. */
  tooLarge: number;
  /** Questions answered DUNNO because the judge threw. */
  faults: number;
  /** Questions that waited for the log. */
  held: number;
  /** Connections closed because no request came, and because another needed the place. */
  idle: number;
  displaced: number;
};

export type PolicyDesk = {
  readonly ask: Ask;
  readonly withholds: (question: Question) => boolean;
  readonly complain: (error: unknown) => void;
  readonly sleepers: Sleepers;
  readonly counts: PolicyCounts;
};

const accept: Verdict = { kind: 'accept', why: [] };

const judged = (request: PolicyRequest, time: number, last: LastRecipient, desk: PolicyDesk): Verdict | undefined => {
  const question = questionOf(request, time);
  if (question === undefined) return accept;
  if (desk.withholds(question)) return undefined;
  const recipientsBefore = last.recipientsBefore(request);
  try {
    return desk.ask(recipientsBefore === 0 ? question : { ...question, recipientsBefore });
  } catch (error) {
    desk.counts.faults++;
    desk.complain(error);
    return accept;
  }
};

/**
 * @param last what the connection was asked before: a recipient is delayed by the first question about it alone
 * @returns undefined when the question is to stay without an answer
 */
export const answerRequest = (
  request: PolicyRequest,
  time: number,
  last: LastRecipient,
  desk: PolicyDesk,
): string | undefined => {
  desk.counts.questions++;
  const verdict = judged(request, time, last, desk);
  if (verdict === undefined) return undefined;
  const isFirst = request.protocol_state === 'RCPT' && !last.isSame(request);
  last.remember(request, verdict.kind, time);
  if (verdict.kind === 'delay' && !(isFirst && desk.sleepers.admit(time, verdict.delayMs))) return noAction;
  return actionOf(verdict);
};
