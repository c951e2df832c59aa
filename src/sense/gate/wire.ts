/** Our side of an SMTP connection to a server: a command, its reply. */
import type { Socket } from 'node:net';
import { createReplyReader } from '../../protocols/smtp/reply.ts';
import type { SmtpReply } from '../../protocols/smtp/reply.ts';

/** RFC 5321 §4.5.3.2: five minutes a command. */
const replyMsMax = 300_000;

export type Wire = {
  readonly socket: Socket;
  /** @throws when the server hangs up, says what is no reply, or nothing in time */
  readonly hear: (msMax: number) => Promise<SmtpReply>;
  readonly say: (line: string, msMax?: number) => Promise<SmtpReply>;
};

/** @param name of the server, for errors */
export const createWire = (socket: Socket, name: string): Wire => {
  const reader = createReplyReader();
  const heard: (SmtpReply | 'garbage')[] = [];
  let wake: (() => void) | undefined;
  socket.on('data', (bytes) => {
    heard.push(...reader.read(bytes.toString('latin1')));
    wake?.();
  });
  socket.on('close', () => wake?.());
  socket.on('error', () => wake?.());

  const hear = async (msMax: number): Promise<SmtpReply> => {
    if (heard.length === 0 && !socket.destroyed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      const timer = setTimeout(resolve, msMax);
      await promise;
      clearTimeout(timer);
      wake = undefined;
    }
    const found = heard.shift();
    if (found === undefined || found === 'garbage') {
      socket.destroy();
      throw new Error(`${name} ${found === 'garbage' ? 'said what is no SMTP reply' : 'did not answer'}`);
    }
    return found;
  };
  return {
    socket,
    hear,
    say: (line, msMax = replyMsMax) => {
      socket.write(`${line}\r\n`, 'latin1');
      return hear(msMax);
    },
  };
};
