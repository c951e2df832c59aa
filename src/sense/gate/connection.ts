/**
 * One client's connection: bytes to the session and its replies back, in order, through STARTTLS and the end. Nothing is
 * read ahead of what can be answered, and whoever sends or reads too slowly is let go.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { createSmtpInput } from '../../protocols/smtp/input.ts';
import type { Input } from '../../protocols/smtp/input.ts';
import { encodeReply, reply } from '../../protocols/smtp/reply.ts';
import type { SmtpReply } from '../../protocols/smtp/reply.ts';
import { answerLine } from './dispatch.ts';
import { dropLink, judge, settle, slip, tellOf } from './session.ts';
import type { Answer, Chunk, GateDesk, Session } from './session.ts';
import { waitUnlessGone } from './tarpit.ts';
import type { Presence } from './tarpit.ts';
import { noteHeard, noteHidden, noteSaid } from './transcript.ts';
import type { Transcript } from './transcript.ts';
import { finish, take } from './verbs/content.ts';
import type { Incoming } from './verbs/content.ts';
import { keywordsFor } from './verbs/hello.ts';

const handshakeMsMax = 30_000;
/** No more is read ahead of the session than this. */
const aheadBytesMax = 256 * 1024;
const earlyBytesShown = 100;

export type Visitor = {
  readonly client: string;
  readonly port: number;
  readonly id: string;
  readonly isKnown: boolean;
};

const noEntry = reply(554, '5.5.0 You talked before you were greeted');
const badLine = reply(500, '5.5.2 Lines end with CRLF and have a limit');
/** For the last reply to arrive; a client that does not close is closed. */
const closeMsMax = 1000;
const tooSlow = reply(421, '4.4.2 Too slow, closing connection');

// oxlint-disable-next-line max-lines-per-function -- a closure over one connection; each function in it is short
export const serveClient = async (
  plain: Socket,
  { client, port, id, isKnown }: Visitor,
  desk: GateDesk,
): Promise<void> => {
  const input = createSmtpInput();
  const transcript: Transcript = [];
  /** Nobody waits for an answer any more: pauses end. */
  const presence: Presence = { isGone: false, wake: undefined };
  const leaveAlone = (): void => {
    presence.isGone = true;
    presence.wake?.();
  };
  const { commandMsMax, messageMsMax } = desk.patience;
  /** The client sends nothing more; it may still read (RFC 9293 §3.6: half-closed). */
  let ended = false;
  let socket = plain;
  let wake: (() => void) | undefined;
  const session: Session = {
    client,
    port,
    id,
    isKnown,
    presence,
    helo: undefined,
    esmtp: false,
    tls: plain instanceof TLSSocket,
    account: undefined,
    transaction: undefined,
    link: undefined,
    errors: 0,
    idleCommands: 0,
    unknown: 0,
    messages: 0,
    answered: undefined,
    heldAnswers: undefined,
    held: false,
    suspect: false,
    closing: false,
  };

  const onData = (bytes: Buffer): void => {
    input.feed(bytes);
    if (input.waiting() > aheadBytesMax) socket.pause();
    wake?.();
  };
  const onClose = (): void => {
    leaveAlone();
    wake?.();
  };
  /** What it sent ahead is still answered, with the pauses that belong there. */
  const onEnd = (): void => {
    ended = true;
    if (input.waiting() === 0) leaveAlone();
    wake?.();
  };
  const listen = (): void => {
    socket.on('data', onData).on('close', onClose).on('error', onClose).on('end', onEnd);
  };

  /** @returns undefined when the client has gone or was too slow */
  const nextInput = async (msMax: number): Promise<Input | undefined> => {
    const until = Date.now() + msMax;
    for (;;) {
      const item = input.next();
      if (item !== undefined) return item;
      if (ended || socket.destroyed || Date.now() >= until) return undefined;
      socket.resume();
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      const timer = setTimeout(resolve, until - Date.now());
      await promise;
      clearTimeout(timer);
      wake = undefined;
    }
  };

  const say = async (answer: SmtpReply): Promise<void> => {
    const text = encodeReply(answer);
    noteSaid(transcript, text);
    if (socket.destroyed || socket.write(text, 'latin1')) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => socket.destroy(), commandMsMax);
    socket.once('drain', resolve).once('close', resolve);
    await promise;
    clearTimeout(timer);
    socket.off('drain', resolve).off('close', resolve);
  };

  const ask = async (challenge: SmtpReply): Promise<string> => {
    await say(challenge);
    const item = await nextInput(commandMsMax);
    noteHidden(transcript, 'an answer to the challenge');
    if (item?.kind === 'line') return item.text;
    throw new Error('the client did not answer the challenge');
  };

  const startTls = async (): Promise<void> => {
    // Whatever was sent ahead of the handshake was sent by anybody (RFC 3207 §4.2).
    input.discard();
    plain.off('data', onData).off('close', onClose).off('end', onEnd);
    const secure = new TLSSocket(plain, { isServer: true, secureContext: desk.tls });
    socket = secure;
    listen();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), Math.min(handshakeMsMax, commandMsMax));
    secure
      .once('secure', () => resolve(true))
      .once('close', () => resolve(false))
      .once('error', () => resolve(false));
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

  const sizeMax = async (): Promise<number> => {
    const size = (await keywordsFor(session, desk)).find((keyword) => keyword.toUpperCase().startsWith('SIZE '));
    return Number(size?.slice(5)) || Infinity;
  };

  const sayTooSlow = async (): Promise<void> => {
    session.closing = true;
    if (!ended) await say(tooSlow);
  };

  /** Reads content up to its end. @returns undefined when the client did not finish */
  const readContent = async (incoming: Incoming): Promise<{ hadBareNewline: boolean; lost: boolean } | undefined> => {
    const until = Date.now() + messageMsMax;
    let lost = false;
    for (;;) {
      const item = await nextInput(Math.min(commandMsMax, until - Date.now()));
      if (item === undefined) return undefined;
      if (item.kind === 'content-end') return { hadBareNewline: item.hadBareNewline, lost };
      if (item.kind === 'content' && !lost) lost = !(await take(session, incoming, item.bytes));
    }
  };

  const receiveMessage = async (): Promise<void> => {
    const incoming: Incoming = { bytes: 0, sizeMax: await sizeMax() };
    input.expectMessage();
    const end = await readContent(incoming);
    noteHidden(transcript, `a message of ${incoming.bytes} bytes`);
    if (end === undefined) await sayTooSlow();
    else await say(await finish(session, desk, incoming, end));
  };

  let chunks: Incoming | undefined;
  const receiveChunk = async (answer: Answer, { length, first, last }: Chunk, refused: boolean): Promise<void> => {
    if (first || chunks === undefined) chunks = { bytes: 0, sizeMax: await sizeMax() };
    const incoming = chunks;
    input.expectChunk(length, first, last);
    // A refused chunk goes nowhere: its bytes are read past, because their number was announced.
    const end = refused ? await readContent({ bytes: Infinity, sizeMax: 0 }) : await readContent(incoming);
    if (end === undefined) return sayTooSlow();
    if (refused || (!last && !end.lost && !end.hadBareNewline)) await say(answer);
    else await say(await finish(session, desk, incoming, end));
  };

  const obey = async (answer: Answer): Promise<void> => {
    const { next } = answer;
    if (typeof next === 'object') {
      await receiveChunk(answer, next, answer.code !== 250);
      return;
    }
    await say(answer);
    if (next === 'start-tls') await startTls();
    else if (next === 'message') await receiveMessage();
  };

  /** The first line of the greeting, a while, the last one: who talks in between does not listen (DETECTION B.13). */
  const greet = async (): Promise<boolean> => {
    tellOf(session, desk, 'connect');
    const refusal = await judge(session, desk, 'connect');
    if (session.closing && refusal !== undefined) {
      await say(refusal);
      return false;
    }
    if (!isKnown && desk.greetPauseMs > 0) {
      socket.write(`220-${desk.name} ESMTP\r\n`, 'latin1');
      wake = () => presence.wake?.();
      await waitUnlessGone(desk.greetPauseMs, presence);
      wake = undefined;
    }
    if (input.waiting() > 0) {
      tellOf(session, desk, 'early-talk', (event) => {
        event.text = `${Math.min(earlyBytesShown, input.waiting())} bytes before the greeting`;
      });
      await settle(desk);
      await say(noEntry);
      return false;
    }
    await say(reply(220, `${desk.name} ESMTP`));
    return !socket.destroyed;
  };

  const answer = async (item: Input): Promise<void> => {
    if (item.kind === 'line') {
      noteHeard(transcript, item.text);
      await obey(await answerLine(session, desk, item.text, { ask }));
    } else if (item.kind === 'bad-line') {
      const reason = item.why === 'too-long' ? 'syntax' : 'bare-newline';
      await say(slip(session, desk, reason, item.why, badLine));
    }
  };

  const leave = (): void => {
    if (session.heldAnswers !== undefined) desk.tarpit.leave();
    session.answered?.ended(performance.now());
    if (session.suspect || session.errors > 0)
      desk.note({ kind: 'transcript', time: Date.now(), client, lines: transcript });
    if (session.transaction?.begun === true || socket.destroyed) session.link?.abort();
    else session.link?.close();
    tellOf(session, desk, 'disconnect');
    socket.end();
    setTimeout(() => socket.destroy(), closeMsMax).unref();
  };

  listen();
  try {
    let isOpen = await greet();
    while (isOpen && !session.closing) {
      const item = await nextInput(commandMsMax);
      if (item === undefined) {
        await sayTooSlow();
        break;
      }
      await answer(item);
      isOpen = !socket.destroyed;
    }
  } catch (error) {
    if (!socket.destroyed) desk.complain(error);
  } finally {
    leave();
  }
};
