/** Sendmail: what sendmail.cf says of the milter and of its limits ("Sendmail Installation and Operation Guide", §5.6). */
import { names, readAssignments, unset } from '../wiring.ts';
import type { Endpoints, HookKind, Service, Wired, WiredStage, Wiring } from '../wiring.ts';

const milterStages: readonly WiredStage[] = ['connect', 'helo', 'sender', 'recipient', 'data', 'message', 'quit'];

/** Options whose absence leaves a client without a limit. */
const limits = ['MaxDaemonChildren', 'BadRcptThrottle', 'MaxRecipientsPerMessage'];

const portOf = new Map([
  ['smtp', 25],
  ['submission', 587],
  ['smtps', 465],
]);

/** `Port=25, Addr=192.0.2.27, Name=MTA`; without a port it is 25, without an address all. */
const serviceOf = (options: string, hooks: Service['hooks']): Service => {
  const fields = new Map(
    options.split(',').map((part) => {
      const [name = '', value = ''] = part.trim().split('=');
      return [name.slice(0, 1).toUpperCase() + name.slice(1).toLowerCase(), value] as const;
    }),
  );
  const portText = fields.get('Port') ?? 'smtp';
  const host = fields.get('Addr') ?? fields.get('Address');
  return {
    name: fields.get('Name') ?? 'MTA',
    host: host === '0.0.0.0' || host === '::' ? undefined : host,
    port: portOf.get(portText) ?? Number(portText),
    hooks,
  };
};

/** `host:port` or `[::1]:port` as a filter's equate. */
export const inetSocket = (endpoint: string): string => {
  const colon = endpoint.lastIndexOf(':');
  const host = endpoint.slice(0, Math.max(0, colon)).replace(/^\[|\]$/g, '');
  return `S=${host.includes(':') ? 'inet6' : 'inet'}:${endpoint.slice(colon + 1)}@${host}`;
};

/** A filter that asks there, and is listed. */
export const asksMilter = (cf: string, { milter, milterSocket }: Endpoints): boolean => {
  const places = [inetSocket(milter), ...(milterSocket === undefined ? [] : [`S=local:${milterSocket}`])];
  const filters = /^O InputMailFilters=(.*)$/m.exec(cf)?.[1]?.split(/[\s,]+/) ?? [];
  return [...cf.matchAll(/^X(\w+),(.*)$/gm)].some(
    ([, name = '', equates = '']) => filters.includes(name) && places.some((place) => names(equates, place)),
  );
};

export const sendmailWiring = (cf: string, endpoints: Endpoints): Wiring => {
  const options = readAssignments(
    cf
      .split('\n')
      .filter((line) => line.startsWith('O '))
      .map((line) => line.slice(2))
      .join('\n'),
  );
  const stages = new Map<WiredStage, Wired>(milterStages.map((stage) => [stage, 'configured']));
  const hooks = new Map<HookKind, ReadonlyMap<WiredStage, Wired>>(
    asksMilter(cf, endpoints) ? [['milter', stages]] : [],
  );
  const daemons = [...cf.matchAll(/^O DaemonPortOptions=(.*)$/gm)].map(([, text = '']) => text);
  return {
    server: 'sendmail',
    postmaster: 'postmaster',
    version: /^DZ(\S+)/m.exec(cf)?.[1] ?? '',
    services: (daemons.length === 0 ? ['Name=MTA'] : daemons).map((text) => serviceOf(text, hooks)),
    exempt: [],
    lacks: unset(
      'limits',
      limits.filter((name) => (options.get(name) ?? '0') === '0'),
    ),
  };
};
