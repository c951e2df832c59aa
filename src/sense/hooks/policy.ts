/**
 * The Postfix policy service (SMTPD_POLICY_README): Postfix asks before it answers a client, one request at a time on a
 * connection that it keeps. Fails open: whatever cannot be judged is answered DUNNO. Each connection is on its own: what
 * one client sends or does not send costs the others nothing.
 */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { Hook, HookSettings } from './hook.ts';
import { startListening } from './listen.ts';
import type { PolicyCounts } from './policy-answers.ts';
import { servePolicyConnection } from './policy-connection.ts';
import { createSleepers } from './sleepers.ts';

export type PolicyLimits = {
  /** One for each smtpd process of the servers that ask; Postfix starts at most 100 unless told. */
  readonly connectionsMax: number;
  /** Without a whole request for so long a connection is closed. Longer than Postfix's own smtpd_policy_service_max_idle (300 s). */
  readonly idleMsMax: number;
};
export const defaultPolicyLimits: PolicyLimits = { connectionsMax: 1000, idleMsMax: 330_000 };

export type PolicySettings = Omit<HookSettings, 'tell'> & { readonly limits?: PolicyLimits };

export type PolicyService = Hook & { readonly counts: () => Readonly<PolicyCounts> };

const sweepMsMax = 5000;

/** Each thread of the guard may start one on the same port with `reusePort`; a unix socket belongs to one thread. */
export const startPolicy = async (settings: PolicySettings): Promise<PolicyService> => {
  const { connectionsMax, idleMsMax } = settings.limits ?? defaultPolicyLimits;
  const counts: PolicyCounts = { questions: 0, garbage: 0, tooLarge: 0, faults: 0, held: 0, idle: 0, displaced: 0 };
  const desk = { ask: settings.ask, complain: settings.complain, sleepers: createSleepers(), counts };
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

  const server = createServer({ noDelay: true }, (socket) => {
    // When all places are taken the longest idle gives way: whoever only sits there cannot keep Postfix out.
    if (connections.size >= connectionsMax) {
      longestIdle()?.destroy();
      counts.displaced++;
    }
    connections.set(socket, servePolicyConnection(socket, desk, settings.nextProgress));
    socket.once('close', () => connections.delete(socket));
  });
  const endpoint = await startListening(server, settings.listen, 'policy service');
  // A connection that could not be accepted (no file descriptor left) costs that one connection, not the service.
  server.on('error', settings.complain);

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
    counts: () => ({ ...counts }),
    stop: async () => {
      clearInterval(sweep);
      for (const socket of connections.keys()) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
};
