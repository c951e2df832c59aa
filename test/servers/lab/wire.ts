/** A TCP connection by lines, as a test wants it: from any address, with everything in its own hands. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { patienceMs } from './await.ts';

export type Wire = {
  /** The next line without CRLF, or undefined when the other side has closed. */
  readonly readLine: () => Promise<string | undefined>;
  /** Bytes as they are (latin1). */
  readonly write: (bytes: string) => void;
  /** Resolves when the other side has closed; what it still said is dropped. */
  readonly closed: () => Promise<void>;
  /** From here on under TLS, whatever the certificate. */
  readonly secure: () => Promise<void>;
  /** Closes at once, in the middle of whatever is going on. */
  readonly hangUp: () => void;
};

export type Target = { readonly from: string; readonly to: string; readonly port: number };

export const openWire = async ({ from, to, port }: Target): Promise<Wire> => {
  const plain = connect({ host: to, port, localAddress: from });
  plain.setTimeout(patienceMs, () => plain.destroy(new Error(`${to}:${port} says nothing for ${patienceMs} ms`)));
  await once(plain, 'connect');
  let socket: Socket = plain;

  const lines: string[] = [];
  let rest = '';
  let isOver = false;
  let failure: Error | undefined;
  let wake = (): void => {};
  const listen = (): void => {
    socket.on('data', (bytes: Buffer) => {
      const parts = `${rest}${bytes.toString('latin1')}`.split('\r\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      wake();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A server that drops an attacker may reset; for the client that is a closed connection.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') failure = error;
    });
    socket.on('close', () => {
      isOver = true;
      wake();
    });
  };
  listen();
  const something = (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    return promise;
  };

  const failOr = <T>(value: T): T => {
    if (failure !== undefined) throw failure;
    return value;
  };
  const readLine = async (): Promise<string | undefined> => {
    for (;;) {
      const line = lines.shift();
      if (line !== undefined || isOver) return failOr(line);
      await something();
    }
  };
  return {
    readLine,
    write: (bytes) => {
      socket.write(bytes, 'latin1');
    },
    secure: async () => {
      plain.removeAllListeners('data');
      const inner = connectTls({ socket: plain, rejectUnauthorized: false });
      await once(inner, 'secureConnect');
      socket = inner;
      listen();
    },
    closed: async () => {
      while ((await readLine()) !== undefined);
    },
    hangUp: () => {
      socket.destroy();
    },
  };
};
