/** What the gate may be told; `gate-settings.ts` makes of it what the gate wants. */
import { isAddressOrNetwork } from '../model/address-set.ts';
import { defaultGateLimits } from '../sense/gate/limits.ts';
import type { Allowance } from '../sense/gate/limits.ts';
import { isIP } from 'node:net';
import type { ListChoice } from '../sense/gate/origin.ts';
import type { DnsServer } from '../sense/dns/resolver.ts';
import { hostAndPort, isListOf, isOneOf, isText, isWhole } from './setting.ts';
import type { Setting } from './setting.ts';

/** A name without anything that could end a line or a reply. */
const isName = (value: unknown): boolean => typeof value === 'string' && /^[0-9A-Za-z][0-9A-Za-z._-]*$/.test(value);

/** `zen.example.org=2`, `good.example.org=-3`. */
export const listOf = (value: unknown): ListChoice | undefined => {
  const parts = typeof value === 'string' ? /^([0-9A-Za-z.-]{3,200})=(-?\d{1,3})$/.exec(value) : null;
  return parts?.[1] === undefined ? undefined : { zone: parts[1], weight: Number(parts[2]) };
};

/** `198.51.100.0/24=10`. */
export const allowanceOf = (value: unknown): Allowance | undefined => {
  const parts = typeof value === 'string' ? /^([0-9a-fA-F.:/]+)=(\d{1,4})$/.exec(value) : null;
  return parts?.[1] === undefined || !isAddressOrNetwork(parts[1])
    ? undefined
    : { network: parts[1], factor: Number(parts[2]) };
};

/** `192.0.2.53`, `[2001:db8::53]:5353`. */
export const resolverAt = (value: unknown): DnsServer | undefined => {
  if (typeof value !== 'string') return undefined;
  if (isIP(value) !== 0) return { host: value, port: 53 };
  const at = hostAndPort(value);
  return at === undefined || isIP(at.host) === 0 ? undefined : at;
};

type HostAndPort = NonNullable<ReturnType<typeof hostAndPort>>;
/** A place to listen at beside the usual one: `[::]:25`, `192.0.2.2:25=10.0.0.6:25`. */
export const besideAt = (
  value: unknown,
): { readonly listen: HostAndPort; readonly backend: HostAndPort | undefined } | undefined => {
  const [at, behind, ...more] = typeof value === 'string' ? value.split('=') : [];
  const [listen, backend] = [hostAndPort(at), hostAndPort(behind)];
  const isWrong = listen === undefined || more.length > 0 || (behind !== undefined && backend === undefined);
  return isWrong ? undefined : { listen, backend };
};

const alsoOption = (name: string, sentence: string): Setting => ({
  key: `${name}.also`,
  default: [],
  form: 'a list of host:port, or host:port=backend:port',
  sentence,
  accepts: isListOf((item) => besideAt(item) !== undefined),
});

export const gateOptions: readonly Setting[] = [
  alsoOption('gate', 'More places where the world connects; each may have a server of its own behind it.'),
  alsoOption('submission', 'More submission ports (STARTTLS), the same way.'),
  alsoOption('submissions', 'More submission ports with TLS from the first byte, the same way.'),
  {
    key: 'gate.backend',
    default: 'store',
    form: 'store or host:port',
    sentence: 'What stands behind the gate: a mail server, or a Maildir store of our own below the state directory.',
    accepts: (value) => value === 'store' || hostAndPort(value) !== undefined,
  },
  {
    key: 'submission.backend',
    default: 'as gate',
    form: 'as gate, or host:port',
    sentence: "The server behind the gate's two submission ports, where it has a port of its own for that.",
    accepts: (value) => value === 'as gate' || hostAndPort(value) !== undefined,
  },
  {
    key: 'gate.passClient',
    default: 'auto',
    form: 'auto, proxy or received',
    sentence:
      'How the server behind learns of the client: XCLIENT where offered, a PROXY header, or a Received line alone.',
    accepts: isOneOf('auto', 'proxy', 'received'),
  },
  {
    key: 'gate.name',
    default: 'host name',
    form: 'a host name',
    sentence: 'What the gate calls itself in greetings.',
    accepts: (value) => value === 'host name' || isName(value),
  },
  {
    key: 'gate.protect',
    default: [],
    form: 'a list of domains',
    sentence: 'Domains that strangers may send to; empty: the server behind the gate decides alone.',
    accepts: isListOf(isName),
  },
  {
    key: 'gate.mailboxes',
    default: [],
    form: 'a list of names',
    sentence: "The store's mailboxes besides postmaster and who runs the guard.",
    accepts: isListOf(isName),
  },
  {
    key: 'gate.messageBytesMax',
    default: 26_214_400,
    form: 'a whole number from 65536 to 1073741824',
    sentence: 'The largest message that the store takes; a server behind the gate has its own limit.',
    accepts: isWhole(65_536, 1_073_741_824),
  },
  {
    key: 'gate.mailboxMiB',
    default: 1024,
    form: 'a whole number from 0 to 1048576; 0 is no limit',
    sentence: 'What a mailbox of the store may hold; beyond it recipients are refused as over quota.',
    accepts: isWhole(0, 1_048_576),
  },
  {
    key: 'gate.certificate',
    default: '',
    form: 'a path',
    sentence: 'Certificate chain in PEM; without one the gate makes its own.',
    accepts: (value) => typeof value === 'string',
  },
  {
    key: 'gate.key',
    default: '',
    form: 'a path',
    sentence: 'Its private key.',
    accepts: (value) => typeof value === 'string',
  },
  {
    key: 'gate.proxied',
    default: 'off',
    form: 'on or off',
    sentence: 'A load balancer tells who connects by the PROXY protocol; then nobody else may reach the gate.',
    accepts: isOneOf('on', 'off'),
  },
  {
    key: 'gate.greetPauseMs',
    default: 2000,
    form: 'a whole number from 0 to 30000',
    sentence: 'How long a client that is not known waits for the end of the greeting.',
    accepts: isWhole(0, 30_000),
  },
  {
    key: 'gate.commandSeconds',
    default: 300,
    form: 'a whole number from 1 to 600',
    sentence: 'How long the gate waits for a command, and for the client to read an answer.',
    accepts: isWhole(1, 600),
  },
  {
    key: 'gate.messageSeconds',
    default: 1800,
    form: 'a whole number from 1 to 7200',
    sentence: 'How long a client may take to send a message.',
    accepts: isWhole(1, 7200),
  },
  {
    key: 'gate.backendSeconds',
    default: 300,
    form: 'a whole number from 1 to 600',
    sentence: 'How long the server behind may take for an answer; twice as long for that to a message.',
    accepts: isWhole(1, 600),
  },
  {
    key: 'gate.heldConnections',
    default: 1000,
    form: 'a whole number from 0 to 50000',
    sentence: 'So many hostile clients are kept busy with slow failures; further ones are sent away.',
    accepts: isWhole(0, 50_000),
  },
  {
    key: 'gate.senderDomains',
    default: 'on',
    form: 'on or off',
    sentence: "Refuse strangers' mail from domains that do not exist or say that they send none (RFC 7505).",
    accepts: isOneOf('on', 'off'),
  },
  {
    key: 'gate.lists',
    default: [],
    form: 'a list of zone=weight',
    sentence: 'DNS lists that strangers are looked up in; lists of good clients have a weight below zero.',
    accepts: isListOf((item) => listOf(item) !== undefined),
  },
  {
    key: 'gate.listsFrom',
    default: 1,
    form: 'a whole number from 1 to 1000',
    sentence: "From this sum of the lists' weights a client is refused.",
    accepts: isWhole(1, 1000),
  },
  {
    key: 'gate.resolvers',
    default: [],
    form: 'a list of addresses, or host:port',
    sentence: "DNS servers that the gate asks; empty: the system's.",
    accepts: isListOf((item) => resolverAt(item) !== undefined),
  },
  {
    key: 'gate.lookupsPerMinute',
    default: 1200,
    form: 'a whole number from 1 to 100000',
    sentence: 'No more questions to the DNS than this; what cannot be asked is not held against anybody.',
    accepts: isWhole(1, 100_000),
  },
  {
    key: 'gate.bounceSigning',
    default: 'off',
    form: 'off, sign or enforce',
    sentence:
      'Sign envelope senders of mail submitted through the gate; `enforce` refuses bounces that come without a signature.',
    accepts: isOneOf('off', 'sign', 'enforce'),
  },
  {
    key: 'gate.disabledCommands',
    default: [],
    form: 'a list of SMTP verbs',
    sentence: 'Commands that nobody may use here.',
    accepts: isListOf(isName),
  },
  {
    key: 'gate.neverLogin',
    default: [],
    form: 'a list of accounts',
    sentence: 'Accounts that nobody logs in with (admin, test, root; with or without domain): a try is a proof.',
    accepts: isListOf(isText),
  },
  {
    key: 'gate.relayFrom',
    default: [],
    form: 'a list of addresses and networks',
    sentence: 'Your own, that may send to any domain without a login; the server behind has to trust them too.',
    accepts: isListOf((item) => typeof item === 'string' && isAddressOrNetwork(item)),
  },
  {
    key: 'gate.allowances',
    default: [],
    form: 'a list of network=factor',
    sentence: 'So many times gate.limits for an address or a network, the smallest one decides; 0 is no limit.',
    accepts: isListOf((item) => allowanceOf(item) !== undefined),
  },
  ...Object.entries(defaultGateLimits).map(([name, value]): Setting => ({
    key: `gate.limits.${name}`,
    default: value,
    form: 'a whole number from 0 to 10000000; 0 is no limit',
    sentence: `The gate's limit for one client: ${name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}.`,
    accepts: isWhole(0, 10_000_000),
  })),
];
