/** The connections of a hook: bounded in number and idle time, so that whoever only sits there cannot keep a mail server out. */
import type { Server, Socket } from 'node:net';
import type { Hook, HookSettings } from './hook.ts';
import { startListening } from './listen.ts';

export type ConnectionLimits = {
  /** One for each process of the servers that ask; Postfix starts at most 100 smtpd unless told. */
  readonly connectionsMax: number;
  /** Without a whole request for so long a connection is closed. Longer than Postfix's own smtpd_policy_service_max_idle (300 s). */
  readonly idleMsMax: number;
};
export const defaultLimits: ConnectionLimits = { connectionsMax: 1000, idleMsMax: 330_000 };

/** Connections closed because no request came, and because another needed the place. */
type ConnectionCounts = { idle: number; displaced: number };

type Serving = Pick<HookSettings, 'listen' | 'complain'> & {
  readonly server: Server;
  /** As people call it: `policy service`. */
  readonly name: string;
  readonly limits: ConnectionLimits | undefined;
  readonly counts: ConnectionCounts;
  /** @returns tells when the last whole request came in; at first, when the connection began */
  readonly serve: (socket: Socket) => () => number;
};

const sweepMsMax = 5000;

/** Each thread of the guard may start one on the same port with `reusePort`; a unix socket belongs to one thread. */
export const serveConnections = async ({
  server,
  listen,
  complain,
  name,
  limits,
  counts,
  serve,
}: Serving): Promise<Hook> => {
  const { connectionsMax, idleMsMax } = limits ?? defaultLimits;
  const connections = new Map<Socket, () => number>();

  const longestIdle = (): Socket | undefined => {
    let found: Socket | undefined;
    let earliest = Infinity;
    for (const [socket, requestAt] of connections) {
      if (requestAt() >= earliest) continue;
      earliest = requestAt();
      found = socket;
    }
    return found;
  };

  server.on('connection', (socket) => {
    if (connections.size >= connectionsMax) {
      longestIdle()?.destroy();
      counts.displaced++;
    }
    connections.set(socket, serve(socket));
    socket.once('close', () => connections.delete(socket));
  });
  const endpoint = await startListening(server, listen, name);
  // A connection that could not be accepted (no file descriptor left) costs that one connection, not the service.
  server.on('error', complain);

  const sweep = setInterval(
    () => {
      const before = Date.now() - idleMsMax;
      for (const [socket, requestAt] of connections) {
        if (requestAt() > before) continue;
        counts.idle++;
        socket.destroy();
      }
    },
    Math.min(sweepMsMax, idleMsMax / 4),
  ).unref();

  return {
    endpoint,
    stop: async () => {
      clearInterval(sweep);
      for (const socket of connections.keys()) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
};
