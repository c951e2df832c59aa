/**
 * Dovecot's authentication policy server: Dovecot asks before it looks at a password, and reports how it went. Speaks to
 * weakforced's clients as well. Fails open: whatever cannot be judged is told to go on.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { bodyBytesMax, encodeAnswer, goOn, parseMessage } from '../../protocols/dovecot-auth-policy/message.ts';
import type { PolicyAnswer, PolicyMessage } from '../../protocols/dovecot-auth-policy/message.ts';
import { answerOf, eventOf, questionOf } from '../../servers/dovecot/hook.ts';
import { defaultLimits, serveConnections } from './connections.ts';
import type { ConnectionLimits } from './connections.ts';
import type { Hook, HookSettings } from './hook.ts';
import { createSleepers } from './sleepers.ts';

/** Dovecot keeps its connections; a whole request has to come within this time. */
const requestMsMax = 5000;

type AuthPolicyCounts = {
  questions: number;
  reports: number;
  garbage: number;
  faults: number;
  /** Connections closed because no request came, and because another needed the place. */
  idle: number;
  displaced: number;
};
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

export const startAuthPolicy = async ({
  limits = defaultLimits,
  ...settings
}: HookSettings & { readonly limits?: ConnectionLimits }): Promise<AuthPolicyService> => {
  const counts: AuthPolicyCounts = { questions: 0, reports: 0, garbage: 0, faults: 0, idle: 0, displaced: 0 };
  /** When the last request of a connection came in. */
  const requestAt = new WeakMap<Socket, number>();
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

  const server = createServer({ noDelay: true, requestTimeout: requestMsMax, keepAliveTimeout: limits.idleMsMax });
  server.on('request', (request, response) =>
    readBody(request, (body) => {
      requestAt.set(request.socket, Date.now());
      reply(request, response, body);
    }),
  );
  server.on('clientError', (_error, socket) => socket.destroy());
  const hook = await serveConnections({
    server,
    name: 'authentication policy service',
    listen: settings.listen,
    complain: settings.complain,
    limits,
    counts,
    serve: (socket) => {
      const began = Date.now();
      return () => requestAt.get(socket) ?? began;
    },
  });
  return { ...hook, counts: () => ({ ...counts }) };
};
