/** The mail servers of this machine, by their own tools: which version, which services, and where they would ask. */
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { CarryOut, Program } from '../../model/verb.ts';
import { createAddressSet } from '../../model/address-set.ts';
import { dovecotWiring } from '../../servers/dovecot/wiring.ts';
import { eximWiring } from '../../servers/exim/wiring.ts';
import { postfixWiring, wiringParameters } from '../../servers/postfix/wiring.ts';
import { sendmailWiring } from '../../servers/sendmail/wiring.ts';
import type { Endpoints, Service, Wiring } from '../../servers/wiring.ts';
import type { CheckedServer } from './asked-at.ts';

type Output = (program: Program, args: readonly string[]) => Promise<string | undefined>;

const readPostfix = async (output: Output, endpoints: Endpoints): Promise<Wiring | undefined> => {
  if (!existsSync('/etc/postfix/main.cf')) return undefined;
  const parameters = await output('postconf', ['-x', ...wiringParameters]);
  const master = await output('postconf', ['-M']);
  if (parameters === undefined || master === undefined) return undefined;
  return postfixWiring(parameters, master, (await output('postconf', ['-P'])) ?? '', endpoints);
};

const readExim = async (output: Output, endpoints: Endpoints): Promise<Wiring | undefined> => {
  const text = await output('exim', ['-bP', 'config']);
  if (text === undefined) return undefined;
  const version = /^# Exim Configuration \((\S+)\)/.exec(text)?.[1] ?? '';
  return eximWiring(text, version, endpoints);
};

const sendmailCf = '/etc/mail/sendmail.cf';

const readers: Readonly<Record<CheckedServer, (output: Output, endpoints: Endpoints) => Promise<Wiring | undefined>>> =
  {
    postfix: readPostfix,
    exim: readExim,
    sendmail: (_output, endpoints) =>
      Promise.resolve(
        existsSync(sendmailCf) ? sendmailWiring(readFileSync(sendmailCf, 'latin1'), endpoints) : undefined,
      ),
    dovecot: async (output, endpoints) => {
      const text = existsSync('/etc/dovecot/dovecot.conf') ? await output('doveconf', ['-n']) : undefined;
      return text === undefined ? undefined : dovecotWiring(text, endpoints);
    },
  };

/** @returns undefined where there is no such server, or its configuration cannot be read */
export const readWiring = async (
  server: CheckedServer,
  endpoints: Endpoints,
  carryOut: CarryOut,
): Promise<Wiring | undefined> => {
  const output: Output = (program, args) =>
    carryOut({ verb: 'run', program, args }).then(
      ({ status, stdout }) => (status === 0 ? stdout : undefined),
      () => undefined,
    );
  try {
    return await readers[server](output, endpoints);
  } catch {
    return undefined;
  }
};

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address),
  );

/** An address of this machine that the server does not exempt; undefined when there is none. */
export const addressToComeFrom = ({ exempt }: Pick<Wiring, 'exempt'>, own = ownAddresses()): string | undefined => {
  const exempted = createAddressSet(exempt);
  return own.find((address) => !exempted.has(address));
};

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

/** Why the server may let this address do what it lets no stranger do. */
export const trustOf = (wiring: Wiring | undefined, from: string | undefined): string | undefined => {
  if (from === undefined || isLoopback(from)) return 'which is its own machine';
  return createAddressSet(wiring?.exempt ?? []).has(from) ? 'which its mynetworks exempt' : undefined;
};

/** Where to dial a service that listens on every address. */
export const dialledHost = ({ host }: Service): string => host ?? '127.0.0.1';
