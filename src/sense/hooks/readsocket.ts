/**
 * Exim asks: one connection a question, closed behind the answer. Whatever cannot be judged is accepted. Exim half-closes
 * nothing (`shutdown=no`), so the answer's end is ours to make.
 */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { encodeAnswer } from '../../protocols/readsocket/answer.ts';
import type { EximAnswer } from '../../protocols/readsocket/answer.ts';
import { parseRequest, requestBytesMax } from '../../protocols/readsocket/request.ts';
import type { EximRequest } from '../../protocols/readsocket/request.ts';
import { answerOf, eventOf, questionOf } from '../../servers/exim/hook.ts';
import type { Hook, HookSettings } from './hook.ts';
import { startListening } from './listen.ts';
import { outcomeMsMax } from './outcomes.ts';
import { createSleepers } from './sleepers.ts';

/** Exim sends its line at once; it waits three seconds for the answer. */
const requestMsMax = 5000;
const connectionsMax = 1000;
const accepted: EximAnswer = { verb: 'accept' };

type ReadsocketCounts = { questions: number; garbage: number; tooLarge: number; faults: number };
export type ReadsocketService = Hook & { readonly counts: () => Readonly<ReadsocketCounts> };

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const startReadsocket = async (settings: HookSettings): Promise<ReadsocketService> => {
  const counts: ReadsocketCounts = { questions: 0, garbage: 0, tooLarge: 0, faults: 0 };
  const sleepers = createSleepers();
  const sockets = new Set<Socket>();

  const judged = async (request: EximRequest): Promise<EximAnswer | undefined> => {
    const time = Date.now();
    const event = eventOf(request, time);
    // A refused recipient is judged with itself: a list that is pipelined must not run ahead of the evidence.
    const counted = event?.outcome === 'unknown' ? settings.evidenceSince?.(event.client) : undefined;
    if (event !== undefined) settings.tell(event);
    await counted?.(outcomeMsMax);
    const question = questionOf(request, time);
    if (question === undefined) return accepted;
    if (settings.withholds?.(question) === true) return undefined;
    counts.questions++;
    const verdict = settings.ask(question);
    if (verdict.kind === 'delay' && !sleepers.admit(time, verdict.delayMs)) return accepted;
    return answerOf(verdict, question);
  };

  const answerTo = async (line: string): Promise<EximAnswer | undefined> => {
    const parsed = parseRequest(line);
    if (parsed.kind === 'request') return judged(parsed.request);
    counts.garbage++;
    return accepted;
  };

  const serve = (socket: Socket): void => {
    let text = '';
    sockets.add(socket);
    socket.setTimeout(requestMsMax, () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    const read = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\n');
      if (end < 0 && text.length <= requestBytesMax) return;
      socket.off('data', read);
      socket.resume();
      if (end < 0 || end > requestBytesMax) {
        counts.tooLarge++;
        socket.destroy();
        return;
      }
      answerTo(text.slice(0, end))
        .catch((error: unknown) => {
          counts.faults++;
          settings.complain(error);
          return accepted;
        })
        .then((answer) => {
          // Exim asks one thing of a connection: to wait until it closes its side would be to wake once more for nothing.
          if (answer !== undefined) socket.write(encodeAnswer(answer), 'latin1', () => socket.destroy());
        })
        .catch(settings.complain);
    };
    socket.on('data', read);
  };

  const server = createServer({ noDelay: true, allowHalfOpen: true }, serve);
  server.maxConnections = connectionsMax;
  const endpoint = await startListening(server, settings.listen, 'readsocket service');
  server.on('error', settings.complain);
  return {
    endpoint,
    counts: () => ({ ...counts }),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
};
