/** Where a hook listens: a TCP address or a unix socket. What goes wrong at start is a Fault that says the way out. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import type { Server } from 'node:net';
import { Fault } from '../../model/fault.ts';

export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };
export type Listen =
  /** `port` 0: any free one. With `reusePort` several threads listen on one port, and the kernel deals connections out. */
  | { readonly host: string; readonly port: number; readonly reusePort?: boolean }
  /** `mode`: who may connect; 0660 unless told. Postfix's smtpd runs as `postfix`: give the socket's folder its group, or set 0666. */
  | { readonly path: string; readonly mode?: number };

const defaultMode = 0o660;

const wayOut = new Map([
  ['EADDRINUSE', 'Something listens there already: stop it (`ss -ltnpx` names it) or choose another address.'],
  ['EADDRNOTAVAIL', 'This machine has no such address: choose one that `ip address` shows.'],
  ['EACCES', 'The guard may not open it: choose a port above 1023, or a folder that the guard may write.'],
  ['ENOENT', 'The folder is missing: make it first.'],
  ['EINVAL', 'A socket path may have 107 bytes: choose a shorter one.'],
]);

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

const endpointText = (endpoint: Endpoint): string => {
  if ('path' in endpoint) return endpoint.path;
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
};

const bind = async (server: Server, listen: Listen): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen('path' in listen ? { path: listen.path } : listen, resolve);
  await promise;
  server.off('error', reject);
};

/** A socket that a guard left behind when it was killed: nobody answers there. Anything but a socket stays untouched. */
const isAbandoned = async (path: string): Promise<boolean> => {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = connect({ path });
  probe.once('connect', () => resolve(false));
  probe.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'));
  const abandoned = await promise;
  probe.destroy();
  return abandoned;
};

const bindOverAbandoned = async (server: Server, listen: Listen): Promise<void> => {
  try {
    await bind(server, listen);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || !('path' in listen) || !(await isAbandoned(listen.path))) throw error;
    unlinkSync(listen.path);
    await bind(server, listen);
  }
};

/** @returns where it listens, with the real port. A unix socket is reachable by the guard's user alone until its mode is set. */
export const startListening = async (server: Server, listen: Listen, hook: string): Promise<Endpoint> => {
  try {
    await bindOverAbandoned(server, listen);
    if ('path' in listen) chmodSync(listen.path, listen.mode ?? defaultMode);
  } catch (error) {
    server.close();
    const why = wayOut.get(codeOf(error)) ?? (error instanceof Error ? error.message : '');
    throw new Fault('CONFIG', `The ${hook} cannot listen on ${endpointText(listen)}. ${why}`, { cause: error });
  }
  const bound = server.address();
  return bound !== null && typeof bound === 'object' && 'host' in listen
    ? { host: listen.host, port: bound.port }
    : listen;
};
