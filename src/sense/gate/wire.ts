/**
 * Our side of an SMTP connection to a server: a command, its reply, strictly in turn. A server that is slow or out of step
 * ends the connection: a reply that belongs to another command must never be taken for this one's.
 */
import type { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { createReplyReader } from '../../protocols/smtp/reply.ts';
import type { SmtpReply } from '../../protocols/smtp/reply.ts';

export type Wire = {
  readonly socket: Socket;
  /** @throws when the server hangs up, says what is no reply, or nothing in time */
  readonly hear: (msMax?: number) => Promise<SmtpReply>;
  /** @throws as `hear`, and when something was said that nobody asked for */
  readonly say: (line: string, msMax?: number) => Promise<SmtpReply>;
  /** Two commands in one go (RFC 2920), when the server offers it: each has its own reply, and there is none too many. */
  readonly sayTwo: (lines: readonly [string, string], msMax?: number) => Promise<readonly [SmtpReply, SmtpReply]>;
  /** Bytes of a message. @throws when the server takes none in time, or answers before the end */
  readonly put: (bytes: Buffer) => Promise<void>;
  /** Takes its leave; a server that does not hang up is hung up on. */
  readonly quit: () => void;
};

const quitMsMax = 5000;
/** Answers that nobody has asked for yet; more, and the server is out of its mind. */
const heardMax = 10;

const uncork = (socket: Socket): void => socket.uncork();

/** @param name of the server, for errors @param replyMsMax for a whole reply, and for each block of a message */
export const createWire = (socket: Socket, name: string, replyMsMax: number): Wire => {
  const reader = createReplyReader();
  const heard: (SmtpReply | 'garbage')[] = [];
  let wake: (() => void) | undefined;
  const onChange = (): void => wake?.();
  socket.on('data', (bytes) => {
    heard.push(...reader.read(bytes.toString('latin1')));
    if (heard.length > heardMax) socket.destroy();
    if (heard.length > 0) wake?.();
  });
  socket.on('close', onChange).on('error', onChange).on('end', onChange).on('drain', onChange);

  const fail = (what: string): never => {
    socket.destroy();
    throw new Error(`${name} ${what}`);
  };
  const until = async (isSo: () => boolean, msMax: number): Promise<void> => {
    const end = Date.now() + msMax;
    while (!isSo() && !socket.destroyed && !socket.readableEnded && Date.now() < end) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      const timer = setTimeout(resolve, end - Date.now());
      await promise;
      clearTimeout(timer);
      wake = undefined;
    }
  };
  const mustBeSilent = (): void => {
    if (heard.length > 0) fail('answered what it was not asked');
  };

  const hear = async (msMax = replyMsMax): Promise<SmtpReply> => {
    await until(() => heard.length > 0, msMax);
    const found = heard.shift();
    if (found === undefined) return fail('did not answer');
    if (found === 'garbage') return fail('said what is no SMTP reply');
    return found;
  };
  return {
    socket,
    hear,
    say: (line, msMax) => {
      mustBeSilent();
      socket.write(`${line}\r\n`, 'latin1');
      return hear(msMax);
    },
    sayTwo: async (lines, msMax) => {
      mustBeSilent();
      socket.write(`${lines[0]}\r\n${lines[1]}\r\n`, 'latin1');
      const replies = [await hear(msMax), await hear(msMax)] as const;
      mustBeSilent();
      return replies;
    },
    put: async (bytes) => {
      mustBeSilent();
      if (socket.destroyed) fail('is gone');
      if (socket.writableCorked === 0) {
        // What is there to be put goes in one piece.
        socket.cork();
        process.nextTick(uncork, socket);
      }
      if (socket.write(bytes)) return;
      await until(() => !socket.writableNeedDrain || heard.length > 0, replyMsMax);
      if (socket.writableNeedDrain && !socket.destroyed) fail('takes nothing more');
    },
    quit: () => {
      if (socket.destroyed) return;
      socket.end('QUIT\r\n');
      socket.setTimeout(quitMsMax, () => socket.destroy());
    },
  };
};
