/**
 * Exim asks: one connection a question, closed behind the answer. Whatever cannot be judged is accepted. Exim half-closes
 * nothing (`shutdown=no`), so the answer's end is ours to make.
 */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { Event } from '../../model/event.ts';
import { encodeAnswer } from '../../protocols/readsocket/answer.ts';
import type { EximAnswer } from '../../protocols/readsocket/answer.ts';
import { parseRequest, requestBytesMax } from '../../protocols/readsocket/request.ts';
import type { EximRequest } from '../../protocols/readsocket/request.ts';
import { answerOf, eventOf, questionOf } from '../../servers/exim/hook.ts';
import { serveConnections } from './connections.ts';
import type { ConnectionLimits } from './connections.ts';
import type { Hook, HookSettings } from './hook.ts';
import { outcomeMsMax } from './outcomes.ts';
import type { Counted } from './outcomes.ts';
import { createSleepers } from './sleepers.ts';

/** Exim sends its line at once; it waits three seconds for the answer. */
const defaultLimits: ConnectionLimits = { connectionsMax: 1000, idleMsMax: 5000 };
/** Whose last refused recipient is remembered. */
const clientsMax = 1000;
const accepted: EximAnswer = { verb: 'accept' };

type ReadsocketCounts = {
  questions: number;
  garbage: number;
  tooLarge: number;
  faults: number;
  /** Connections closed because their time was over, and because another needed the place. */
  idle: number;
  displaced: number;
};
export type ReadsocketService = Hook & { readonly counts: () => Readonly<ReadsocketCounts> };

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const startReadsocket = async ({
  limits = defaultLimits,
  ...settings
}: HookSettings & { readonly limits?: ConnectionLimits }): Promise<ReadsocketService> => {
  const counts: ReadsocketCounts = { questions: 0, garbage: 0, tooLarge: 0, faults: 0, idle: 0, displaced: 0 };
  const sleepers = createSleepers();

  /** Of the last refused recipient of each client. */
  const lastRefused = new Map<string, Counted>();
  /**
   * A list that is pipelined must not run ahead of the evidence. A refused recipient is judged with itself, or where the log
   * is the witness, which Exim writes behind our answer, with the one before it.
   */
  const evidenceDue = (event: Event): Counted | undefined => {
    const { client = '' } = event;
    const own = settings.evidenceSince?.(client);
    const before = lastRefused.get(client);
    const [oldest] = lastRefused.keys();
    lastRefused.delete(client);
    if (lastRefused.size >= clientsMax && oldest !== undefined) lastRefused.delete(oldest);
    if (own !== undefined) lastRefused.set(client, own);
    return settings.logTells?.(event) === true ? before : own;
  };

  const judged = async (request: EximRequest): Promise<EximAnswer | undefined> => {
    const time = Date.now();
    const event = eventOf(request, time);
    const counted = event?.outcome === 'unknown' ? evidenceDue(event) : undefined;
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

  const serve = (socket: Socket): (() => number) => {
    const began = Date.now();
    let text = '';
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
    return () => began;
  };

  const hook = await serveConnections({
    server: createServer({ noDelay: true, allowHalfOpen: true }),
    name: 'readsocket service',
    listen: settings.listen,
    complain: settings.complain,
    limits,
    counts,
    serve,
  });
  return { ...hook, counts: () => ({ ...counts }) };
};
