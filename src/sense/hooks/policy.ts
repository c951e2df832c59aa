/**
 * The Postfix policy service (SMTPD_POLICY_README): Postfix asks before it answers a client, one request at a time on a
 * connection that it keeps. Fails open: whatever cannot be judged is answered DUNNO. Each connection is on its own: what
 * one client sends or does not send costs the others nothing.
 */
import { createServer } from 'node:net';
import { serveConnections } from './connections.ts';
import type { ConnectionLimits } from './connections.ts';
import type { Hook, HookSettings } from './hook.ts';
import type { PolicyCounts } from './policy-answers.ts';
import { servePolicyConnection } from './policy-connection.ts';
import { createSleepers } from './sleepers.ts';

export type PolicySettings = Omit<HookSettings, 'tell'> & { readonly limits?: ConnectionLimits };
export type PolicyService = Hook & { readonly counts: () => Readonly<PolicyCounts> };

export const startPolicy = async ({
  listen,
  ask,
  complain,
  evidenceSince,
  withholds = () => false,
  limits,
}: PolicySettings): Promise<PolicyService> => {
  const counts: PolicyCounts = { questions: 0, garbage: 0, tooLarge: 0, faults: 0, held: 0, idle: 0, displaced: 0 };
  const desk = { ask, complain, withholds, sleepers: createSleepers(), counts };
  const hook = await serveConnections({
    server: createServer({ noDelay: true }),
    name: 'policy service',
    listen,
    complain,
    limits,
    counts,
    serve: (socket) => servePolicyConnection(socket, desk, evidenceSince),
  });
  return { ...hook, counts: () => ({ ...counts }) };
};
