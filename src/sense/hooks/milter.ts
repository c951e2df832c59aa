/**
 * The milter (protocol version 6, as sendmail's libmilter speaks it) for Postfix and Sendmail. Fails open: who does not
 * speak the protocol is hung up on, and the server passes that session's mail (`default_action=accept`, no `F=`).
 */
import { createServer } from 'node:net';
import { serveConnections } from './connections.ts';
import type { ConnectionLimits } from './connections.ts';
import type { Hook, HookSettings } from './hook.ts';
import { serveMilterConnection } from './milter-connection.ts';
import type { MilterCounts } from './milter-answers.ts';
import { createSleepers } from './sleepers.ts';

export type MilterService = Hook & { readonly counts: () => Readonly<MilterCounts> };

export const startMilter = async ({
  listen,
  limits,
  ...settings
}: HookSettings & { readonly limits?: ConnectionLimits }): Promise<MilterService> => {
  const counts: MilterCounts = { questions: 0, garbage: 0, faults: 0, idle: 0, displaced: 0 };
  const desk = { ...settings, sleepers: createSleepers(), counts };
  const hook = await serveConnections({
    server: createServer({ noDelay: true }),
    name: 'milter',
    listen,
    complain: settings.complain,
    limits,
    counts,
    serve: (socket) => serveMilterConnection(socket, desk),
  });
  return { ...hook, counts: () => ({ ...counts }) };
};
