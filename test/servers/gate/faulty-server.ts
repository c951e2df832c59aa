/** A server behind the gate that is out of its mind at one step: no real one can be made to be, so this one is ours. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { stoppable } from '../lab/daemon.ts';
import type { Stoppable } from '../lab/daemon.ts';

export const places = ['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'dot'] as const;
type Place = (typeof places)[number] | 'RSET' | 'QUIT';

const sane: Readonly<Record<Place, string>> = {
  greeting: '220 mx.lab.test ESMTP\r\n',
  EHLO: '250-mx.lab.test\r\n250 SIZE 1000000\r\n',
  MAIL: '250 2.1.0 ok\r\n',
  RCPT: '250 2.1.5 ok\r\n',
  DATA: '354 go on\r\n',
  RSET: '250 2.0.0 reset\r\n',
  QUIT: '221 2.0.0 bye\r\n',
  dot: '250 2.0.0 taken\r\n',
};

const endlessLines = '250-on and on\r\n'.repeat(10_000);

/** What it does instead of its answer. */
export const faults = new Map<string, (socket: Socket, answer: string) => void>([
  ['garbage', (socket) => socket.write('\0\u00ff+++ never SMTP\r\n', 'latin1')],
  ['its answer twice', (socket, answer) => socket.write(answer + answer)],
  ['its answer without end', (socket, answer) => socket.write(answer.repeat(10_000))],
  ['nothing', () => undefined],
  ['half a line, then nothing', (socket, answer) => socket.write(answer.slice(0, 6))],
  ['hangs up', (socket) => socket.end()],
  ['resets', (socket) => socket.resetAndDestroy()],
  ['421', (socket) => socket.end('421 4.3.2 going down\r\n')],
  [
    'an answer to something else',
    (socket, answer) => socket.write(answer.startsWith('3') ? '250 ok\r\n' : '334 go\r\n'),
  ],
  ['lines without end', (socket) => socket.write(endlessLines)],
]);

/** It did what it was told, and then says so more than once. */
export const saysTooMuch = (fault: string): boolean => fault.startsWith('its answer ');

export type FaultyServer = {
  /** Messages that it said 250 to. */
  readonly taken: () => number;
  readonly connections: () => number;
  readonly go: (place: Place | undefined, fault: string) => void;
  /** The same, once, and the connections that are open stay. */
  readonly once: (place: Place, fault: string) => void;
} & Stoppable;

export const startFaultyServer = async (host: string, port: number): Promise<FaultyServer> => {
  const sockets = new Set<Socket>();
  let wrongAt: Place | undefined;
  let fault = '';
  let isOnce = false;
  let taken = 0;
  const answer = (socket: Socket, place: Place): void => {
    if (place !== wrongAt) {
      // In two packets: an answer is read to its end.
      socket.write(sane[place].slice(0, 5));
      setImmediate(() => socket.write(sane[place].slice(5)));
      if (place === 'dot') taken++;
      return;
    }
    if (isOnce) wrongAt = undefined;
    if (place === 'dot' && saysTooMuch(fault)) taken++;
    faults.get(fault)?.(socket, sane[place]);
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let rest = '';
    let inMessage = false;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    socket.on('end', () => {
      if (wrongAt !== 'QUIT') socket.end();
    });
    socket.setEncoding('latin1');
    answer(socket, 'greeting');
    socket.on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const verb = inMessage ? (line === '.' ? 'dot' : '') : line.slice(0, 4);
        const place = [...places, 'RSET' as const, 'QUIT' as const].find((name) => name === verb);
        if (place === 'DATA' || place === 'dot') inMessage = place === 'DATA';
        if (place !== undefined) answer(socket, place);
      }
    });
  }).listen(port, host);
  await once(server, 'listening');
  return {
    taken: () => taken,
    connections: () => sockets.size,
    once: (place, name) => {
      [wrongAt, fault, isOnce] = [place, name, true];
    },
    go: (place, name) => {
      [wrongAt, fault, isOnce] = [place, name, false];
      for (const socket of sockets) socket.destroy();
    },
    ...stoppable(async () => {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    }),
  };
};
