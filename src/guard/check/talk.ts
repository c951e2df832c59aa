/** A session by lines with a server that is checked: SMTP, IMAP or POP3, in the clear or over TLS. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { createLineCutter } from '../../protocols/lines.ts';

export type Target = {
  readonly host: string;
  readonly port: number;
  /** The address to come from: one that the server does not exempt. */
  readonly from: string | undefined;
  /** Ends the talk: nobody waits for it any more. */
  readonly given?: AbortSignal;
};

export type Talk = {
  /** The next line without its end, or undefined when the server closed or said nothing for so long. */
  readonly hear: (msMax: number) => Promise<string | undefined>;
  /** Bytes as they are (latin1). */
  readonly write: (text: string) => void;
  /** TLS from here on. Whose certificate it is, is not what is checked. */
  readonly secure: () => Promise<void>;
  readonly isOver: () => boolean;
  readonly end: () => void;
};

const connectMsMax = 10_000;
const linesMax = 1000;

/** Submission and mailbox ports whose first byte is TLS already (RFC 8314). */
const tlsPorts: ReadonlySet<number> = new Set([465, 993, 995, 2465]);

/** @throws when nobody answers there */
export const dial = async ({ host, port, from, given }: Target): Promise<Talk> => {
  const lines: string[] = [];
  let socket: Socket = connect({
    host,
    port,
    ...(from === undefined ? {} : { localAddress: from }),
    ...(given === undefined ? {} : { signal: given }),
  });
  // Below TLS nobody else would hear it.
  socket.on('error', () => undefined);
  let wake: (() => void) | undefined;
  const attach = (one: Socket): void => {
    const cutter = createLineCutter((line) => {
      if (lines.length < linesMax) lines.push(line);
    });
    one.on('data', (bytes: Buffer) => {
      cutter.feed(bytes.toString('latin1'));
      wake?.();
    });
    one.on('close', () => wake?.());
    one.on('error', () => wake?.());
  };
  const secure = async (): Promise<void> => {
    socket.removeAllListeners('data');
    const secured = connectTls({ socket, rejectUnauthorized: false });
    await once(secured, 'secureConnect', { signal: AbortSignal.timeout(connectMsMax) });
    socket = secured;
    attach(secured);
  };
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(connectMsMax) });
    if (tlsPorts.has(port)) await secure();
    else attach(socket);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    hear: async (msMax) => {
      const until = Date.now() + msMax;
      while (lines.length === 0 && !socket.destroyed && !socket.readableEnded && Date.now() < until) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const timer = setTimeout(resolve, until - Date.now());
        await promise;
        clearTimeout(timer);
        wake = undefined;
      }
      return lines.shift();
    },
    write: (text) => void socket.write(text, 'latin1'),
    secure,
    isOver: () => socket.destroyed || socket.readableEnded,
    end: () => socket.destroy(),
  };
};
