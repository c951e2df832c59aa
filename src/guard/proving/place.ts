/** The doors through which mail servers are to ask, and what was last seen at each; kept in the state directory. */
import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { HookKind, Service, Wiring } from '../../servers/wiring.ts';
import type { CheckedServer } from '../check/asked-at.ts';
import type { Finding } from '../check/finding.ts';
import { isMailboxPort } from '../check/logins.ts';
import { dialledHost } from '../check/machine.ts';

export type Place = {
  readonly server: CheckedServer;
  readonly host: string;
  readonly port: number;
  readonly hook: HookKind;
};

export type Look = Pick<Finding, 'state' | 'words'> & {
  /** What was seen is that mail came in unasked, or that it was asked about again; no session of ours could tell. */
  readonly isByMail: boolean;
};

export type Kept = Place &
  Look & {
    /** Milliseconds since 1970: this state began, and was last seen. */
    readonly since: number;
    readonly lookedAt: number;
    /** `postern setup` wrote it: `--undo` ends it. */
    readonly isSetUp: boolean;
  };

const addressOf = ({ host, port }: Place): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** Of one server, by one hook. */
export const nameOf = (places: readonly Place[]): string =>
  `${places[0]?.server ?? ''} ${places.map(addressOf).join(', ')} (${places[0]?.hook ?? ''})`;
export const isSamePlace = (one: Place, other: Place): boolean =>
  one.server === other.server && one.hook === other.hook && one.host === other.host && one.port === other.port;

/** Nobody sends there without a login (RFC 6409), and we have none. */
const submissionPorts: ReadonlySet<number> = new Set([465, 587, 2465, 2587]);
const placesMax = 8;

/** Once set up, a server asks there. */
const usualHooks: Readonly<Record<CheckedServer, HookKind>> = {
  postfix: 'policy',
  exim: 'readsocket',
  sendmail: 'milter',
  dovecot: 'authPolicy',
};

const placeAt = (server: CheckedServer, service: Service, hook: HookKind): Place => ({
  server,
  host: dialledHost(service),
  port: service.port,
  hook,
});

/** One process judges the logins of all mailbox ports. */
const dialled = (server: CheckedServer, { services }: Wiring): readonly Service[] =>
  server === 'dovecot'
    ? services.filter(({ port }) => isMailboxPort(port)).slice(0, 1)
    : services.filter(({ port }) => !submissionPorts.has(port));

/** What the server's own configuration names. */
export const wiredPlaces = (server: CheckedServer, wiring: Wiring): readonly Place[] =>
  dialled(server, wiring)
    .flatMap((service) => [...service.hooks.keys()].map((hook) => placeAt(server, service, hook)))
    .slice(0, placesMax);

/** Where a server that was set up should ask, when its configuration names nothing at all. */
export const usualPlaces = (server: CheckedServer, wiring: Wiring): readonly Place[] =>
  dialled(server, wiring)
    .map((service) => placeAt(server, service, usualHooks[server]))
    .slice(0, 1);

export const hasService = ({ services }: Wiring, { host, port }: Place): boolean =>
  services.some((service) => service.port === port && dialledHost(service) === host);

const fileOf = (state: string): string => join(state, 'proof.json');

/** @returns none where there is no such file, or it is of another version */
export const readKept = (state: string): readonly Kept[] => {
  try {
    // Written below.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const { version, places } = JSON.parse(readFileSync(fileOf(state), 'utf8')) as { version: 1; places: Kept[] };
    return version === 1 && Array.isArray(places) ? places : [];
  } catch {
    return [];
  }
};

export const writeKept = async (state: string, places: readonly Kept[]): Promise<void> => {
  const file = fileOf(state);
  await mkdir(dirname(file), { recursive: true, mode: 0o750 });
  await writeFile(`${file}.tmp`, `${JSON.stringify({ version: 1, places })}\n`, { mode: 0o640 });
  await rename(`${file}.tmp`, file);
};
