/** The guard's side of marked sessions: what it answers, keeps silent about, and does not take for evidence. */
import { BroadcastChannel } from 'node:worker_threads';
import type { Event } from '../../model/event.ts';
import type { Ask, Tell } from '../../model/ports.ts';
import type { Question } from '../../model/question.ts';
import type { Verdict } from '../../model/verdict.ts';
import { tellCheckers } from './checkers.ts';
import { noteHeard } from './heard.ts';
import type { AskingHook, Mark } from './probe.ts';
import { readMark, wordsOf } from './probe.ts';

export type Answering = {
  readonly ask: Ask;
  readonly tell: Tell;
  /** True when a question is to be left without any answer. */
  readonly withholds: (question: Question) => boolean;
};

const announcedMs = 10_000;
const announcedMax = 100;

/** The next connection of a client, which a marked session before it has announced; every thread knows. */
type Announced = Pick<Mark, 'hook' | 'nonce'> & { readonly client: string; readonly until: number };

const accept: Verdict = { kind: 'accept', why: [], known: true };
const refusal = (nonce: string): Verdict => ({
  kind: 'defer',
  reply: { code: '450', enhanced: '4.7.1', text: wordsOf(nonce) },
  why: [],
});
/** Sendmail has words of its own for every other refusal of a connection. */
const dismissal = (nonce: string): Verdict => ({
  kind: 'drop',
  reply: { code: '421', enhanced: '4.7.0', text: wordsOf(nonce) },
  why: [],
});

const toldStage = (event: Event): string | undefined => {
  if (event.kind === 'disconnect') return 'quit';
  // The server went on to the password by itself, or refused because we did not answer.
  if (event.kind === 'auth') return event.reason === 'policy' ? 'report-refused' : 'report';
  return undefined;
};

/** What one thread hears of announcements, and how it tells the others. */
const createAnnouncements = (): {
  readonly announced: ReadonlyMap<string, Announced>;
  readonly spread: (one: Announced) => void;
} => {
  const announced = new Map<string, Announced>();
  const channel = new BroadcastChannel('postern-check');
  channel.unref();
  const announce = (one: Announced): void => {
    if (one.until === 0 || announced.size >= announcedMax) announced.delete(one.client);
    else announced.set(one.client, one);
  };
  // Its listener's type of an event is the browser's.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  channel.onmessage = (message): void => {
    // Posted a few lines below, by another thread of this process.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    announce((message as { data: Announced }).data);
  };
  const spread = (one: Announced): void => {
    announce(one);
    channel.postMessage(one);
  };
  return { announced, spread };
};

/**
 * @param file where it is written down what was heard
 * @param passOver told of clients whose marked sessions nobody counts, lest somebody wait for that
 */
export const createAnswering = (
  key: Uint8Array,
  file: string,
  passOver: (client: string) => void = () => undefined,
): ((hook: AskingHook, ask: Ask, tell: Tell) => Answering) => {
  const { announced, spread } = createAnnouncements();
  const tellChecker = tellCheckers();

  return (hook, ask, tell) => {
    const markOf = ({ helo, account, time }: Pick<Question, 'helo' | 'account' | 'time'>): Mark | undefined =>
      readMark(key, helo, time) ?? readMark(key, account, time);
    const hear = (
      mark: Pick<Mark, 'nonce'>,
      question: Pick<Question, 'server' | 'client' | 'time'>,
      stage: string,
    ): void => {
      noteHeard(file, { nonce: mark.nonce, hook, server: question.server, stage });
      if (question.client !== undefined) tellChecker(question.client, question.time);
    };
    const answerConnect = (question: Question): Verdict | undefined => {
      const found = question.client === undefined ? undefined : announced.get(question.client);
      if (found === undefined || found.hook !== hook || found.until < question.time) return undefined;
      spread({ ...found, until: 0 });
      hear(found, question, 'connect');
      return (question.server === 'sendmail' ? dismissal : refusal)(found.nonce);
    };
    const answerMark = (mark: Mark, question: Question): Verdict => {
      if (mark.kind === 'connect' && question.client !== undefined)
        spread({ ...mark, client: question.client, until: question.time + announcedMs });
      hear(mark, question, question.stage);
      if (question.stage === 'sender' && question.account !== undefined) hear(mark, question, 'account');
      const isMeant = mark.hook === hook && mark.kind === question.stage;
      return isMeant && mark.kind !== 'connect' ? refusal(mark.nonce) : accept;
    };
    return {
      ask: (question) => {
        if (question.stage === 'connect' && announced.size > 0) {
          const verdict = answerConnect(question);
          if (verdict !== undefined) return verdict;
        }
        const mark = markOf(question);
        return mark === undefined ? ask(question) : answerMark(mark, question);
      },
      tell: (event) => {
        const mark = markOf(event);
        if (mark === undefined) return tell(event);
        if (event.client !== undefined) passOver(event.client);
        const stage = toldStage(event);
        return stage === undefined ? undefined : hear(mark, event, stage);
      },
      withholds: (question) => {
        const mark = markOf(question);
        if (mark?.kind !== 'open' || mark.hook !== hook) return false;
        hear(mark, question, question.stage);
        return true;
      },
    };
  };
};
