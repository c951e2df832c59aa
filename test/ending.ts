/** Loaded into each test file's process: when its tests are over and something is still open, it says what and ends. */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { after } from 'node:test';
import { isMainThread } from 'node:worker_threads';

/** Of a slow machine. What was begun and cannot be stopped in this time would keep the whole run. */
const endMsMax = 60_000;

/** Both ends of the process's connections. */
const sockets = new Set<Socket>();
const noteSocket = (message: unknown): void => {
  // Node says so of both channels (diagnostics_channel, `net`).
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { socket } = message as { readonly socket: Socket };
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
};

const endsOf = ({ localAddress, localPort, remoteAddress, remotePort }: Socket): string =>
  `${localAddress ?? '?'}:${localPort ?? '?'} - ${remoteAddress ?? '?'}:${remotePort ?? '?'}`;

if (isMainThread) {
  for (const end of ['client', 'server']) subscribe(`net.${end}.socket`, noteSocket);
  after(() => {
    setTimeout(() => {
      const open = [...process.getActiveResourcesInfo(), ...[...sockets].map(endsOf)];
      process.stderr.write(`still open after the last test: ${open.join(' ')}\n`);
      process.exit(1);
    }, endMsMax).unref();
  });
}
