/** Between Exim's questions through readsocket and the judge: fields to a question and a fact, a verdict to an answer. */
import { canonicalAddress } from '../../model/address.ts';
import { draftEvent } from '../../model/event.ts';
import type { Event, EventKind, Outcome } from '../../model/event.ts';
import type { Question, Stage } from '../../model/question.ts';
import type { Verdict } from '../../model/verdict.ts';
import type { EximAnswer } from '../../protocols/readsocket/answer.ts';
import type { EximRequest } from '../../protocols/readsocket/request.ts';

/** Exim's ACLs, and which of our stages asks there. `quit` and `notquit` tell only. */
const stageOf = new Map<string, Stage>([
  ['connect', 'connect'],
  ['helo', 'helo'],
  ['auth', 'auth'],
  ['mail', 'sender'],
  ['rcpt', 'recipient'],
  ['predata', 'data'],
  ['data', 'message'],
  ['not_smtp', 'message'],
]);
const transaction: ReadonlySet<Stage> = new Set(['sender', 'recipient', 'data', 'message']);
const kindOf = new Map<string, EventKind>([
  ['connect', 'connect'],
  ['helo', 'helo'],
  ['mail', 'sender'],
  ['rcpt', 'recipient'],
  ['data', 'message'],
  ['not_smtp', 'message'],
  ['quit', 'disconnect'],
  ['notquit', 'disconnect'],
]);
const outcomes = new Map<string | undefined, Outcome>([
  ['accepted', 'accepted'],
  ['unknown', 'unknown'],
  ['relay-denied', 'relay-denied'],
  ['over-quota', 'over-quota'],
  ['deferred', 'deferred'],
]);

const delaySecondsMax = 5;

const orUndefined = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/** @returns undefined where nothing is to be judged */
export const questionOf = (request: EximRequest, time: number): Question | undefined => {
  const stage = stageOf.get(request.stage ?? '');
  if (stage === undefined) return undefined;
  const inTransaction = transaction.has(stage);
  return {
    time,
    server: 'exim',
    stage,
    client: canonicalAddress(request.ip ?? ''),
    helo: orUndefined(request.helo),
    account: orUndefined(request.account),
    sender: inTransaction ? request.sender : undefined,
    recipient: orUndefined(request.recipient),
    // Exim's -1: MAIL did not say.
    size: Math.max(0, Number(request.size ?? 0)) || undefined,
  };
};

/** @returns undefined where nothing happened that counts */
export const eventOf = (request: EximRequest, time: number): Event | undefined => {
  const kind = kindOf.get(request.stage ?? '');
  if (kind === undefined) return undefined;
  const event = draftEvent(time, 'exim', kind);
  event.client = canonicalAddress(request.ip ?? '');
  event.helo = orUndefined(request.helo);
  event.account = orUndefined(request.account);
  event.queueId = orUndefined(request.id);
  if (kind === 'sender' || kind === 'recipient' || kind === 'message') event.sender = request.sender;
  if (kind === 'recipient') {
    // Before its outcome is known a recipient is a question, not a fact.
    event.outcome = outcomes.get(request.outcome);
    if (event.outcome === undefined) return undefined;
    event.recipient = orUndefined(request.recipient);
  }
  if (kind === 'sender') event.outcome = 'accepted';
  if (kind === 'message') {
    event.protocol = request.stage === 'not_smtp' ? 'local' : undefined;
    event.count = Number(request.count) || undefined;
    event.size = Number(request.size) || undefined;
  }
  return event;
};

/**
 * Exim closes with 5xx only (`drop`), and says 421 only where it closes by itself: at connect. A code of the wrong class
 * would be replaced and written to the panic log.
 */
export const answerOf = (verdict: Verdict, question: Question): EximAnswer => {
  switch (verdict.kind) {
    case 'accept':
      return { verb: 'accept' };
    case 'delay':
      return {
        verb: 'accept',
        delaySeconds: Math.min(delaySecondsMax, Math.max(1, Math.ceil(verdict.delayMs / 1000))),
      };
    case 'defer':
      return { verb: 'defer', message: `${verdict.reply.code} ${verdict.reply.enhanced} ${verdict.reply.text}` };
    case 'reject':
      return { verb: 'deny', message: `${verdict.reply.code} ${verdict.reply.enhanced} ${verdict.reply.text}` };
    case 'drop':
      return question.stage === 'connect'
        ? { verb: 'defer', message: `421 ${verdict.reply.enhanced} ${verdict.reply.text}` }
        : { verb: 'drop', message: `550 5.7.0 ${verdict.reply.text}` };
    case 'hold':
      return {
        verb: 'freeze',
        ...(question.account === undefined
          ? { header: `X-Relayed-From: ${question.client ?? ''}` }
          : { header: `X-Authenticated-As: ${question.account}` }),
      };
  }
};
