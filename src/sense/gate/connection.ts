/**
 * One client's connection: what it says to the session and its replies back, in order, through STARTTLS and the end.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Input } from '../../protocols/smtp/input.ts';
import { reply } from '../../protocols/smtp/reply.ts';
import type { SmtpReply } from '../../protocols/smtp/reply.ts';
import { ClientWire } from './client/wire.ts';
import { answerLine } from './dispatch.ts';
import { dropLink, judge, settle, slip, tellOf } from './session.ts';
import type { Answer, Chunk, GateDesk, Presence, Session, Visitor } from './session.ts';
import { linesOf, noteHead, noteHeard, noteHidden } from './client/transcript.ts';
import { finish, newIncoming, take } from './verbs/content.ts';
import type { Incoming } from './verbs/content.ts';

const handshakeMsMax = 30_000;
const earlyBytesShown = 100;

const noEntry = reply(554, '5.5.0 You talked before you were greeted');
const badLine = reply(500, '5.5.2 Lines end with CRLF and have a limit');
const tooSlow = reply(421, '4.4.2 Too slow, closing connection');

type Connection = {
  readonly wire: ClientWire;
  readonly session: Session;
  readonly desk: GateDesk;
  /** A message that comes in chunks (BDAT). */
  chunks: Incoming | undefined;
};

/** Made whole at once, so that all sessions share one hidden class. */
const newSession = ({ client, port, id, isKnown }: Visitor, presence: Presence, tls: boolean): Session => ({
  client,
  port,
  id,
  isKnown,
  presence,
  helo: undefined,
  esmtp: false,
  tls,
  account: undefined,
  transaction: undefined,
  link: undefined,
  errors: 0,
  idleCommands: 0,
  unknown: 0,
  messages: 0,
  answered: undefined,
  heldAnswers: undefined,
  waitMs: 0,
  held: false,
  suspect: false,
  closing: false,
});

/** With the wait that the answer deserves. */
const say = ({ wire, session }: Connection, answer: SmtpReply): Promise<void> => {
  if (session.waitMs === 0) return wire.say(answer);
  const ms = session.waitMs;
  session.waitMs = 0;
  return wire.wait(ms).then(() => wire.say(answer));
};

const ask = async (connection: Connection, challenge: SmtpReply): Promise<string> => {
  await say(connection, challenge);
  const { wire, desk } = connection;
  const item = await wire.next(desk.patience.commandMsMax);
  noteHidden(wire.transcript, 'an answer to the challenge');
  if (item?.kind === 'line') return item.text;
  throw new Error('the client did not answer the challenge');
};

const startTls = async ({ wire, session, desk }: Connection): Promise<void> => {
  // Whatever was sent ahead of the handshake was sent by anybody (RFC 3207 §4.2).
  if (wire.input.discard() > 0) slip(session, desk, 'pipelining', 'STARTTLS', badLine);
  if (wire.hasEnded) {
    session.closing = true;
    return;
  }
  const secure = new TLSSocket(wire.release(), { isServer: true, secureContext: desk.tls });
  wire.listen(secure);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), Math.min(handshakeMsMax, desk.patience.commandMsMax));
  secure
    .once('secure', () => resolve(true))
    .once('close', () => resolve(false))
    .once('end', () => resolve(false))
    .on('error', () => resolve(false));
  const isSecure = await promise;
  clearTimeout(timer);
  if (!isSecure) {
    secure.destroy();
    return;
  }
  // A new session in all but the address (RFC 3207 §4.2), behind the gate too.
  dropLink(session);
  [session.tls, session.helo] = [true, undefined];
  tellOf(session, desk, 'tls');
};

const newMessage = async ({ session, desk }: Connection): Promise<Incoming> =>
  newIncoming(session, desk, (await desk.offerOf(session.tls)).sizeMax);

const sayTooSlow = async (connection: Connection): Promise<void> => {
  connection.session.closing = true;
  if (!connection.wire.hasEnded) await say(connection, tooSlow);
};

/** Reads content up to its end. @param incoming undefined: past it. @returns undefined when the client did not finish */
const readContent = async (
  { wire, session, desk: { patience } }: Connection,
  incoming: Incoming | undefined,
): Promise<{ hadBareNewline: boolean; lost: boolean } | undefined> => {
  const until = Date.now() + patience.messageMsMax;
  let lost = incoming === undefined;
  for (;;) {
    const item = await wire.next(Math.min(patience.commandMsMax, until - Date.now()));
    if (item === undefined) return undefined;
    if (item.kind === 'content-end') return { hadBareNewline: item.hadBareNewline, lost };
    if (item.kind === 'content' && incoming !== undefined && !lost) lost = !(await take(session, incoming, item.bytes));
  }
};

/** Of who erred or was refused, the header is shown too. */
const noteMessage = ({ wire, session }: Connection, { bytes, watch }: Incoming): void => {
  if (session.suspect || session.errors > 0) noteHead(wire.transcript, watch.head());
  noteHidden(wire.transcript, `a message of ${bytes} bytes`);
};

const receiveMessage = async (connection: Connection): Promise<void> => {
  const { wire, session, desk } = connection;
  const incoming = await newMessage(connection);
  wire.input.expectMessage();
  const end = await readContent(connection, incoming);
  noteMessage(connection, incoming);
  if (end === undefined) await sayTooSlow(connection);
  else await say(connection, await finish(session, desk, incoming, end));
};

const receiveChunk = async (connection: Connection, answer: Answer, { length, first, last }: Chunk): Promise<void> => {
  const isRefused = answer.code !== 250;
  const { session, desk } = connection;
  if (first || connection.chunks === undefined) connection.chunks = await newMessage(connection);
  const incoming = connection.chunks;
  connection.wire.input.expectChunk(length, first, last);
  // A refused chunk goes nowhere: its bytes are read past, because their number was announced.
  const end = await readContent(connection, isRefused ? undefined : incoming);
  if (last && !isRefused) noteMessage(connection, incoming);
  if (end === undefined) return sayTooSlow(connection);
  if (isRefused || (!last && !end.lost && !end.hadBareNewline)) await say(connection, answer);
  else await say(connection, await finish(session, desk, incoming, end));
};

const obey = async (connection: Connection, answer: Answer): Promise<void> => {
  const { next } = answer;
  if (typeof next === 'object') return receiveChunk(connection, answer, next);
  await say(connection, answer);
  if (next === 'start-tls') await startTls(connection);
  else if (next === 'message') await receiveMessage(connection);
};

/** The first line of the greeting, a while, the last one: who talks in between does not listen (DETECTION B.13). */
const pauseGreeting = ({ wire, session: { isKnown }, desk }: Connection): Promise<void> | undefined => {
  if (isKnown || desk.greetPauseMs === 0) return undefined;
  wire.socket.write(`220-${desk.name} ESMTP\r\n`, 'latin1');
  return wire.waitInSilence(desk.greetPauseMs);
};

const greet = async (connection: Connection): Promise<boolean> => {
  const { wire, session, desk } = connection;
  const early = wire.input.waiting();
  if (early === 0) {
    await say(connection, reply(220, `${desk.name} ESMTP`));
    return wire.isOpen;
  }
  tellOf(session, desk, 'early-talk', (event) => {
    event.text = `${Math.min(earlyBytesShown, early)} bytes before the greeting`;
  });
  await settle(session, desk);
  await say(connection, noEntry);
  return false;
};

const answerTo = async (connection: Connection, item: Input): Promise<Answer | undefined> => {
  const { wire, session, desk } = connection;
  if (item.kind === 'line') {
    noteHeard(wire.transcript, item.text);
    const isAhead = wire.input.waiting() > 0;
    return answerLine(session, desk, item.text, isAhead, (challenge) => ask(connection, challenge));
  }
  if (item.kind !== 'bad-line') return undefined;
  return slip(session, desk, item.why === 'too-long' ? 'syntax' : 'bare-newline', item.why, badLine);
};

const leave = ({ wire, session, desk }: Connection, hasQuit: boolean): void => {
  if (!session.isKnown) desk.doorman.leave(session.client);
  if (session.heldAnswers !== undefined) desk.tarpit.leave();
  session.answered?.ended(performance.now());
  if (session.suspect || session.errors > 0)
    desk.note({ kind: 'transcript', time: Date.now(), client: session.client, lines: linesOf(wire.transcript) });
  if (session.transaction?.begun === true || !wire.isOpen) session.link?.abort();
  else session.link?.close();
  tellOf(session, desk, 'disconnect');
  wire.close(hasQuit);
};

/** Only this frame and what it waits for is kept while a client is held. */
export const serveClient = async (plain: Socket, visitor: Visitor, desk: GateDesk): Promise<void> => {
  const wire = new ClientWire(plain, desk.patience.commandMsMax);
  const session = newSession(visitor, wire, plain instanceof TLSSocket);
  const connection: Connection = { wire, session, desk, chunks: undefined };
  let hasQuit = false;
  try {
    tellOf(session, desk, 'connect');
    const refusal = await judge(session, desk, 'connect');
    let isOpen = !session.closing || refusal === undefined;
    if (!isOpen && refusal !== undefined) await say(connection, refusal);
    if (isOpen) {
      await pauseGreeting(connection);
      isOpen = await greet(connection);
    }
    while (isOpen && !session.closing) {
      const item = await wire.next(desk.patience.commandMsMax);
      if (item === undefined) {
        await sayTooSlow(connection);
        break;
      }
      const answer = await answerTo(connection, item);
      if (answer !== undefined) await (answer.next === undefined ? say(connection, answer) : obey(connection, answer));
      hasQuit = answer?.code === 221;
      isOpen = wire.isOpen;
    }
  } catch (error) {
    if (wire.isOpen) desk.complain(error);
  } finally {
    leave(connection, hasQuit);
  }
};
