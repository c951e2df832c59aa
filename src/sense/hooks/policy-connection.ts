/** One connection of a Postfix process: its requests are answered in order, each before the next is looked at. */
import type { Socket } from 'node:net';
import { canonicalAddress } from '../../model/address.ts';
import { encodeAnswer } from '../../protocols/postfix-policy/answer.ts';
import { createRequestDecoder } from '../../protocols/postfix-policy/decoder.ts';
import type { Decoded } from '../../protocols/postfix-policy/decoder.ts';
import { noAction } from '../../servers/postfix/hook.ts';
import { createLastRecipient } from './outcomes.ts';
import type { Counted, EvidenceSince } from './outcomes.ts';
import { answerRequest } from './policy-answers.ts';
import type { PolicyDesk } from './policy-answers.ts';

/** By far the commonest answer. */
const noAnswer = encodeAnswer(noAction);

/** As events name it; IPv4 is written in one way only, and most are. */
const asCounted = (address: string): string | undefined =>
  address.includes(':') ? canonicalAddress(address) : address;

/** @returns tells when the last whole request came in; at first, when the connection began */
export const servePolicyConnection = (
  socket: Socket,
  desk: PolicyDesk,
  evidenceSince: EvidenceSince | undefined,
): (() => number) => {
  const decoder = createRequestDecoder();
  const last = createLastRecipient();
  /** Requests behind one that is held, that one first. */
  let backlog: readonly Decoded[] = [];
  let requestAt = Date.now();
  /** Waits for evidence against who was asked about last, from before that was answered. */
  let counted: Counted | undefined;

  const hold = (decoded: readonly Decoded[], untilKnown: Promise<void>): void => {
    desk.counts.held++;
    backlog = decoded;
    socket.pause();
    void untilKnown.catch(desk.complain).then(answerBacklog);
  };

  const answerAll = (decoded: readonly Decoded[]): void => {
    let answers = '';
    for (const one of decoded) {
      if (one.kind === 'too-large') {
        desk.counts.tooLarge++;
        socket.write(answers, 'latin1');
        socket.destroySoon();
        return;
      }
      if (one.kind === 'garbage') {
        desk.counts.garbage++;
        answers += noAnswer;
        continue;
      }
      const dueMs = counted === undefined ? 0 : last.outcomeDueMs(one.request, requestAt);
      if (counted !== undefined && dueMs > 0) {
        hold(decoded.slice(decoded.indexOf(one)), counted(dueMs));
        break;
      }
      counted = evidenceSince?.(asCounted(one.request.client_address));
      const action = answerRequest(one.request, requestAt, last, desk);
      if (action !== undefined) answers += action === noAction ? noAnswer : encodeAnswer(action);
    }
    // A client that sends and never reads is not read from either.
    if (!socket.write(answers, 'latin1')) socket.pause();
  };

  const resumeIfFree = (): void => {
    if (backlog.length === 0 && !socket.writableNeedDrain) socket.resume();
  };

  const answerBacklog = (): void => {
    if (socket.destroyed) return;
    const decoded = backlog;
    backlog = [];
    requestAt = Date.now();
    last.settle();
    answerAll(decoded);
    resumeIfFree();
  };

  socket.on('data', (bytes) => {
    const decoded = decoder.decode(bytes);
    if (decoded.length === 0) return;
    requestAt = Date.now();
    if (backlog.length > 0) backlog = [...backlog, ...decoded];
    else answerAll(decoded);
  });
  socket.on('drain', resumeIfFree);
  // A connection that the client breaks off is no fault of ours; `close` tells of it.
  socket.on('error', () => undefined);
  return () => requestAt;
};
