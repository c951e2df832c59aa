/** Where a mail server is told to ask the guard. */
import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Fault } from '../model/fault.ts';
import type { Endpoints } from '../servers/wiring.ts';
import { listenAt } from './setting.ts';
import type { Values } from './settings.ts';

/** Beside its TCP port the milter listens there. */
export const milterSocketOf = (state: string): string => join(resolve(state), 'milter.sock');

/** Sendmail does not start with a socket below a folder that others may write to. */
const isSafe = (folder: string): boolean => {
  const mode = statSync(folder, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o022) !== 0) return false;
  const above = dirname(folder);
  return above === folder || isSafe(above);
};

/** Stands for a hook that no server can be told to ask; no configuration has such a word. */
const noPort = '(no port)';

/** @throws Fault CONFIG when the hook is off, or listens where a server is not told to ask by us */
export const requirePort = (endpoints: Endpoints, hook: 'policy' | 'milter' | 'readsocket' | 'authPolicy'): void => {
  if (endpoints[hook] === noPort) throw new Fault('CONFIG', `${hook}.listen: a server is set up to ask a host:port`);
};

export const endpointsOf = (values: Values, state = String(values.get('state'))): Endpoints => {
  const at = (hook: string): string => {
    const listen = listenAt(values.get(`${hook}.listen`));
    if (listen === undefined || listen === 'off' || 'path' in listen) return noPort;
    // An IPv6 address stands in brackets, as it does in every server's configuration but Sendmail's.
    return `${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`;
  };
  return {
    policy: at('policy'),
    milter: at('milter'),
    readsocket: at('readsocket'),
    authPolicy: at('authPolicy'),
    ...(isSafe(resolve(state)) ? { milterSocket: milterSocketOf(state) } : {}),
  };
};
