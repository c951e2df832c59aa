/**
 * Who is never blocked, computed from the machine as it is now and not typed by anybody: its own addresses, gateways
 * (route(8): /proc/net/route), resolvers (resolv.conf(5)), administrators' shells (/proc/net/tcp, proc(5)), what Postfix
 * trusts and sends through, the servers that mail is routed by (`mail-routes.ts`), and what is configured.
 */
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { canonicalAddress } from '../model/address.ts';
import { createOverlap, isAddressOrNetwork } from '../model/address-set.ts';
import type { Protection, Ran } from '../model/verb.ts';
import { createRoutes, routeParameters, routesIn } from './mail-routes.ts';

const freshMs = 5000;
const established = '01';
const portsMax = 20;

const linesOf = (path: string): string[] => {
  try {
    return readFileSync(path, 'latin1').split('\n');
  } catch {
    return [];
  }
};
const wordsOf = (line: string): string[] => line.trim().split(/\s+/);

/** `0100007F` or 32 digits: the kernel prints words of four bytes in the machine's order, on all of ours the lowest first. */
const addressOfHex = (hex: string): string | undefined => {
  const bytes = [...hex.matchAll(/../g)].map(([pair]) => Number.parseInt(pair, 16));
  const ordered = bytes.flatMap((_, at) => bytes[(at & ~3) + (3 - (at & 3))] ?? 0);
  if (ordered.length === 4) return canonicalAddress(ordered.join('.'));
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((ordered[2 * at] ?? 0) * 256 + (ordered[2 * at + 1] ?? 0)).toString(16),
  );
  return ordered.length === 16 ? canonicalAddress(groups.join(':')) : undefined;
};

const always: readonly Protection[] = [
  ...['127.0.0.0/8', '::1'].map((network) => ({ network, why: 'loopback' })),
  ...['0.0.0.0', '::', '224.0.0.0/4', 'ff00::/8', '255.255.255.255', 'fe80::/10'].map((network) => ({
    network,
    why: 'no client can have it',
  })),
];

const ownAddresses = (): Protection[] =>
  Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .map(({ address }) => ({ network: canonicalAddress(address) ?? '', why: "this machine's own address" }));

const gateways = (): Protection[] => [
  ...linesOf('/proc/net/route')
    .map(wordsOf)
    .filter(([, destination, gateway]) => destination === '00000000' && gateway !== '00000000')
    .map(([, , gateway = '']) => ({ network: addressOfHex(gateway) ?? '', why: 'the gateway' })),
  ...linesOf('/proc/net/ipv6_route')
    .map(wordsOf)
    .filter(
      ([destination, length, , , hop]) =>
        /^0{32}$/.test(destination ?? '') && length === '00' && !/^0{32}$/.test(hop ?? ''),
    )
    // Unlike the other tables this one prints the bytes in their order.
    .map(([, , , , hop = '']) => ({
      network: canonicalAddress(hop.replaceAll(/(.{4})(?=.)/g, '$1:')) ?? '',
      why: 'the gateway',
    })),
];

const resolvers = (): Protection[] =>
  linesOf('/etc/resolv.conf')
    .map(wordsOf)
    .filter(([word]) => word === 'nameserver')
    .map(([, address = '']) => ({ network: canonicalAddress(address) ?? '', why: 'a resolver of this machine' }));

/** Who is logged in by SSH now, and whoever started this process by it. */
const administrators = (): Protection[] => {
  const configured = linesOf('/etc/ssh/sshd_config')
    .map(wordsOf)
    .filter(([word]) => word?.toLowerCase() === 'port');
  const ports = new Set([22, ...configured.slice(0, portsMax).map(([, port]) => Number(port))]);
  const remote = ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((path) => linesOf(path).slice(1).map(wordsOf))
    .filter(
      ([, local = '', , state]) => state === established && ports.has(Number.parseInt(local.split(':')[1] ?? '', 16)),
    )
    .map(([, , peer = '']) => addressOfHex(peer.split(':')[0] ?? ''));
  const [starter = ''] = (process.env['SSH_CONNECTION'] ?? '').split(' ');
  return [...remote, canonicalAddress(starter)].map((address) => ({
    network: address ?? '',
    why: 'an administrator is logged in from there',
  }));
};

/** `[::1]/128`, `10.0.0.0/8`, `[192.0.2.1]:587`; tables and names are not looked into. */
const networksIn = (text: string): string[] =>
  text
    .split(/[\s,]+/)
    .map((word) => word.replace(/^\[([^\]]*)\](:\d+)?/, '$1'))
    .filter(isAddressOrNetwork);

const postfixParameters = [
  { name: 'mynetworks', why: 'in mynetworks of Postfix' },
  { name: 'relayhost', why: 'the relayhost of Postfix' },
  { name: 'proxy_interfaces', why: 'in proxy_interfaces of Postfix' },
] as const;

/** `name = value` a line; empty where there is no Postfix. */
const ofPostfix = (values: string): Protection[] =>
  postfixParameters.flatMap(({ name, why }) => {
    const line = values.split('\n').find((each) => each.startsWith(`${name} = `)) ?? '';
    return networksIn(line.slice(line.indexOf('=') + 1)).map((network) => ({ network, why }));
  });

export type WhoProtects = (subjects: readonly string[]) => Promise<readonly (Protection | undefined)[]>;

/** @param configured addresses and networks, from root's own configuration */
export const createProtection = (
  configured: readonly string[],
  postconf: (names: readonly string[]) => Promise<Ran>,
): WhoProtects => {
  /** Where there is no configuration postconf would sleep for a second before it says so. */
  const postfixValues = async (): Promise<string> =>
    existsSync('/etc/postfix/main.cf')
      ? postconf([...postfixParameters.map(({ name }) => name), ...routeParameters]).then(
          ({ stdout }) => stdout,
          () => '',
        )
      : '';
  const resolveRoutes = createRoutes();
  let madeAt = -Infinity;
  let find: (subject: string) => Protection | undefined = () => undefined;
  const renew = async (): Promise<void> => {
    const postfix = await postfixValues();
    const entries = [
      ...always,
      ...configured.map((network) => ({ network, why: 'protected by the configuration' })),
      ...ownAddresses(),
      ...gateways(),
      ...resolvers(),
      ...administrators(),
      ...ofPostfix(postfix),
      ...(await resolveRoutes(routesIn(postfix))),
    ];
    find = createOverlap(entries);
    madeAt = performance.now();
  };
  return async (subjects) => {
    if (performance.now() - madeAt > freshMs) await renew();
    return subjects.map((subject) => find(subject));
  };
};
