/**
 * Dovecot's authentication policy server: Dovecot asks before it looks at a password, and reports how it went. Speaks to
 * weakforced's clients as well. Fails open: whatever cannot be judged is told to go on.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyBytesMax, encodeAnswer, goOn, parseMessage } from '../../protocols/dovecot-auth-policy/message.ts';
import type { PolicyAnswer, PolicyMessage } from '../../protocols/dovecot-auth-policy/message.ts';
import { answerOf, eventOf, questionOf } from '../../servers/dovecot/hook.ts';
import type { Hook, HookSettings } from './hook.ts';
import { startListening } from './listen.ts';
import { createSleepers } from './sleepers.ts';

/** Dovecot keeps its connections; a whole request has to come within this time. */
const requestMsMax = 5000;
const idleMsMax = 330_000;
const connectionsMax = 1000;

type AuthPolicyCounts = { questions: number; reports: number; garbage: number; faults: number };
export type AuthPolicyService = Hook & { readonly counts: () => Readonly<AuthPolicyCounts> };

/** Gives the body as text when it is whole, or undefined when it is longer than any message. */
const readBody = (request: IncomingMessage, whole: (body: string | undefined) => void): void => {
  let first: Buffer | undefined;
  let more: Buffer[] | undefined;
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > bodyBytesMax) return;
    // Nearly always there is one.
    if (first === undefined) first = chunk;
    else (more ??= [first]).push(chunk);
  });
  request.on('end', () => {
    if (length > bodyBytesMax) whole(undefined);
    else whole((more === undefined ? first : Buffer.concat(more))?.toString('utf8') ?? '');
  });
  request.on('error', () => undefined);
};

export const startAuthPolicy = async (settings: HookSettings): Promise<AuthPolicyService> => {
  const counts: AuthPolicyCounts = { questions: 0, reports: 0, garbage: 0, faults: 0 };
  const sleepers = createSleepers();

  const judged = (message: PolicyMessage): PolicyAnswer | undefined => {
    const time = Date.now();
    if (message.command === 'report') {
      counts.reports++;
      settings.tell(eventOf(message, time));
      return goOn;
    }
    counts.questions++;
    const question = questionOf(message, time);
    if (settings.withholds?.(question) === true) return undefined;
    const verdict = settings.ask(question);
    return verdict.kind === 'delay' && !sleepers.admit(time, verdict.delayMs) ? goOn : answerOf(verdict);
  };

  const answerTo = (target: string, body: string | undefined): PolicyAnswer | undefined => {
    const parsed = body === undefined ? undefined : parseMessage(target, body);
    if (parsed?.kind === 'message') return judged(parsed.message);
    counts.garbage++;
    return goOn;
  };

  const reply = (request: IncomingMessage, response: ServerResponse, body: string | undefined): void => {
    let answer: PolicyAnswer | undefined = goOn;
    try {
      answer = answerTo(request.url ?? '', body);
    } catch (error) {
      counts.faults++;
      settings.complain(error);
    }
    if (answer === undefined) return;
    const text = encodeAnswer(answer);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  };

  const server = createServer({ noDelay: true, requestTimeout: requestMsMax, keepAliveTimeout: idleMsMax });
  server.maxConnections = connectionsMax;
  server.on('request', (request, response) => readBody(request, (body) => reply(request, response, body)));
  server.on('clientError', (_error, socket) => socket.destroy());
  const endpoint = await startListening(server, settings.listen, 'authentication policy service');
  server.on('error', settings.complain);
  return {
    endpoint,
    counts: () => ({ ...counts }),
    stop: async () => {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
};
