/** The line between gate and server: it may be cut, and stand still before the end of a message or before the answer to it. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { stoppable } from '../lab/daemon.ts';
import type { Stoppable } from '../lab/daemon.ts';
import type { Moment } from './kill-client.ts';

const endOfMessage = '\r\n.\r\n';

export type Line = {
  readonly cut: () => void;
  /** The server has all of the message but its last line. */
  readonly dot: Moment;
  /** The server has answered the message, and the gate has not heard it. */
  readonly taken: Moment;
} & Stoppable;

/** Where the line stands still next; what came there waits for it to be let go. */
type Stop = { readonly at: 'dot' | 'taken'; readonly reached: () => void; pass: (() => void) | undefined };

export const startLine = async (port: number, to: { readonly host: string; readonly port: number }): Promise<Line> => {
  const ends = new Set<Socket>();
  let stop: Stop | undefined;
  const cut = (): void => {
    for (const end of ends) end.destroy();
  };
  const momentAt = (at: Stop['at']): Moment => ({
    reached: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      stop = { at, reached: resolve, pass: undefined };
      return promise;
    },
    letGo: () => {
      const pass = stop?.pass;
      stop = undefined;
      pass?.();
    },
  });
  const passOrStop = (at: Stop['at'], pass: () => void): void => {
    if (stop?.at !== at || stop.pass !== undefined) return pass();
    stop.pass = pass;
    stop.reached();
  };
  const server = createServer((here) => {
    const there = connect(to);
    let tail = '';
    let isWhole = false;
    for (const end of [here, there]) {
      ends.add(end);
      end.on('close', () => {
        ends.delete(end);
        here.destroy();
        there.destroy();
      });
      end.on('error', () => end.destroy());
    }
    here.on('data', (bytes) => {
      tail = `${tail}${bytes.toString('latin1', Math.max(0, bytes.length - 5))}`.slice(-5);
      isWhole = tail === endOfMessage;
      if (isWhole) passOrStop('dot', () => there.write(bytes));
      else there.write(bytes);
    });
    there.on('data', (bytes) => {
      if (isWhole) passOrStop('taken', () => here.write(bytes));
      else here.write(bytes);
    });
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    cut,
    dot: momentAt('dot'),
    taken: momentAt('taken'),
    ...stoppable(async () => {
      cut();
      server.close();
      await Promise.resolve();
    }),
  };
};
