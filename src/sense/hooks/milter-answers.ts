/** From the commands of one milter connection to replies: asks the judge, and fails open when the judge does not know. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Question } from '../../model/question.ts';
import type { MilterCommand } from '../../protocols/milter/command.ts';
import type { MilterReply } from '../../protocols/milter/reply.ts';
import { createMilterSession, negotiate, repliesOf, wantsReply } from '../../servers/milter.ts';
import type { HookSettings } from './hook.ts';
import { outcomeMsMax } from './outcomes.ts';
import type { Counted } from './outcomes.ts';
import type { Sleepers } from './sleepers.ts';

export type MilterCounts = {
  questions: number;
  /** Connections closed because they did not speak the protocol; the server passes that session's mail. */
  garbage: number;
  /** Questions that the judge could not answer: the mail went on. */
  faults: number;
  /** Connections closed because nothing came, and because another needed the place. */
  idle: number;
  displaced: number;
};

export type MilterDesk = Pick<HookSettings, 'ask' | 'tell' | 'complain' | 'evidenceSince' | 'withholds'> & {
  readonly sleepers: Sleepers;
  readonly counts: MilterCounts;
};

type Replies = readonly MilterReply[];

/** By far the commonest answer. */
export const goOn: Replies = [{ kind: 'continue' }];

/** @returns what to reply; a promise only where somebody is made to wait. @param time milliseconds since 1970 */
export const createMilterAnswers = (
  desk: MilterDesk,
): ((command: MilterCommand, time: number) => Replies | Promise<Replies>) => {
  const session = createMilterSession();
  /** Waits for evidence against the client, from before it was last answered: a log may be quicker than the next command. */
  let counted: Counted | undefined;

  const judged = (question: Question, refused: boolean): Replies | Promise<Replies> => {
    if (desk.withholds?.(question) === true) return [];
    desk.counts.questions++;
    try {
      const verdict = desk.ask(question);
      const replies = verdict.kind === 'accept' ? goOn : repliesOf(verdict, question, refused);
      const sleeps = verdict.kind === 'delay' && desk.sleepers.admit(question.time, verdict.delayMs);
      return sleeps ? pause(verdict.delayMs, replies) : replies;
    } catch (error) {
      desk.counts.faults++;
      desk.complain(error);
      return goOn;
    }
  };

  return (command, time) => {
    if (command.kind === 'negotiate') return [negotiate(command.offer)];
    const { events, question, refused } = session.hear(command, time);
    for (const event of events) desk.tell(event);
    if (!wantsReply(command)) return [];
    const answerNow = (): Replies | Promise<Replies> => {
      if (question === undefined) return goOn;
      counted = desk.evidenceSince?.(question.client);
      return judged(question, refused);
    };
    // Whom the server refused itself must not hear the next answer ahead of this evidence.
    const known = refused ? counted?.(outcomeMsMax) : undefined;
    return known === undefined ? answerNow() : known.then(answerNow);
  };
};
