/** Where a mail server is told to ask the guard. */
import { Fault } from '../model/fault.ts';
import type { Endpoints } from '../servers/wiring.ts';
import { listenAt } from './setting.ts';
import type { Values } from './settings.ts';

/** @throws Fault CONFIG when a hook listens where no server can be told to ask */
export const endpointsOf = (values: Values): Endpoints => {
  const at = (hook: string): string => {
    const listen = listenAt(values.get(`${hook}.listen`));
    if (listen === undefined || listen === 'off' || 'path' in listen)
      throw new Fault('CONFIG', `${hook}.listen: a server is set up to ask a host:port`);
    return `${listen.host}:${listen.port}`;
  };
  return { policy: at('policy'), milter: at('milter'), readsocket: at('readsocket'), authPolicy: at('authPolicy') };
};
