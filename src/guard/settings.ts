/** What the guard may be told: every setting with its default, its form and one sentence. Checked by `config.ts`. */
import { isAddressOrNetwork } from '../model/address-set.ts';
import { detectorNames } from '../judge/detectors/detector.ts';
import { defaultGateLimits } from '../sense/gate/limits.ts';
import { zoneOf } from '../protocols/syslog/zone.ts';

export type Setting = {
  readonly key: string;
  readonly default: string | number | readonly string[];
  /** What a value must look like, in words. */
  readonly form: string;
  readonly sentence: string;
  readonly accepts: (value: unknown) => boolean;
};

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isListOf =
  (accepts: (item: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every(accepts);
const isOneOf =
  (...words: readonly string[]) =>
  (value: unknown): boolean =>
    typeof value === 'string' && words.includes(value);
const isWhole =
  (from: number, to: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to;

const durationUnits = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
  ['w', 604_800],
]);

/** `90m`, `4h`, `14d`, `0` in seconds; undefined for anything else. */
export const durationSeconds = (text: unknown): number | undefined => {
  if (text === 0 || text === '0') return 0;
  const parts = typeof text === 'string' ? /^(\d{1,6})([smhdw])$/.exec(text) : null;
  const unit = durationUnits.get(parts?.[2] ?? '');
  return unit === undefined ? undefined : Number(parts?.[1]) * unit;
};

export type ListenAt = { readonly host: string; readonly port: number } | { readonly path: string } | 'off';

/** `host:port`, `[v6]:port`, `unix:/path` or `off`. */
export const listenAt = (text: unknown): ListenAt | undefined => {
  if (text === 'off') return 'off';
  if (typeof text !== 'string') return undefined;
  if (text.startsWith('unix:/')) return { path: text.slice(5) };
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^:[\]/ ]+):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[2]);
  return parts?.[1] === undefined || port > 65_535 ? undefined : { host: parts[1].replace(/^\[|\]$/g, ''), port };
};

/** Those whose conviction of a client may lead to a block. */
const convictingDetectors = ['harvest', 'relay', 'guessing', 'protocol-abuse'] as const;

/** The live hooks, with their default ports (DESIGN §7). */
const hooks = [
  { name: 'policy', port: 10_040, sentence: 'Where Postfix asks (check_policy_service).' },
  { name: 'milter', port: 10_041, sentence: 'Where Sendmail, or Postfix, asks as a milter.' },
  { name: 'readsocket', port: 10_042, sentence: 'Where Exim asks (${readsocket}).' },
  { name: 'authPolicy', port: 10_043, sentence: 'Where Dovecot asks (auth_policy_server_url).' },
  { name: 'gate', port: 2525, sentence: 'Where the world, or a load balancer, connects: the SMTP front.' },
  { name: 'submission', port: 2587, sentence: "The gate's submission port (STARTTLS)." },
  { name: 'submissions', port: 2465, sentence: "The gate's submission port with TLS from the first byte." },
] as const;
export type HookName = (typeof hooks)[number]['name'];
export const hookNames = hooks.map(({ name }) => name);

/** `host:port` of a server; undefined for `store` and anything else. */
export const hostAndPort = (text: unknown): { readonly host: string; readonly port: number } | undefined => {
  const at = listenAt(text);
  return at === undefined || at === 'off' || 'path' in at ? undefined : at;
};

/** A name without anything that could end a line or a reply. */
const isName = (value: unknown): boolean => typeof value === 'string' && /^[0-9A-Za-z][0-9A-Za-z._-]*$/.test(value);

const gateSettings: readonly Setting[] = [
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
    key: 'gate.heldConnections',
    default: 1000,
    form: 'a whole number from 0 to 50000',
    sentence: 'So many hostile clients are kept busy with slow failures; further ones are sent away.',
    accepts: isWhole(0, 50_000),
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
    sentence: 'Accounts that nobody logs in with (admin, test, root): a try is a proof.',
    accepts: isListOf(isText),
  },
  ...Object.entries(defaultGateLimits).map(([name, value]): Setting => ({
    key: `gate.limits.${name}`,
    default: value,
    form: 'a whole number from 0 to 100000; 0 is no limit',
    sentence: `The gate's limit for one client: ${name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}.`,
    accepts: isWhole(0, 100_000),
  })),
];

export const settings: readonly Setting[] = [
  {
    key: 'state',
    default: './var',
    form: 'a directory',
    sentence: 'Where everything is kept that must survive a restart.',
    accepts: isText,
  },
  {
    key: 'logs',
    default: ['found'],
    form: 'a list of paths, or `found`',
    sentence: 'The mail logs to follow; `found` looks where distributions put them.',
    accepts: isListOf(isText),
  },
  {
    key: 'zone',
    default: 'local',
    form: 'local, utc or ±hh:mm',
    sentence: 'What a stamp without zone in a log means.',
    accepts: (value) => typeof value === 'string' && zoneOf(value) !== undefined,
  },
  ...hooks.map(({ name, port, sentence }) => ({
    key: `${name}.listen`,
    default: `127.0.0.1:${port}`,
    form: 'host:port, unix:/path or off',
    sentence,
    accepts: (value: unknown) => listenAt(value) !== undefined,
  })),
  {
    key: 'listeners.threads',
    default: 1,
    form: 'a whole number from 1 to 16',
    sentence: 'Threads that answer the mail servers; a unix socket belongs to the first one.',
    accepts: isWhole(1, 16),
  },
  ...gateSettings,
  {
    key: 'protect',
    default: [],
    form: 'a list of addresses and networks',
    sentence: 'Never acted on, whatever they do: own networks, relay hosts, monitoring. 127.0.0.1 and ::1 always are.',
    accepts: isListOf((item) => typeof item === 'string' && isAddressOrNetwork(item)),
  },
  {
    key: 'judge.mode',
    default: 'enforce',
    form: 'enforce or observe',
    sentence: '`observe` judges and reports but answers accept.',
    accepts: isOneOf('enforce', 'observe'),
  },
  {
    key: 'judge.learning',
    default: '14d',
    form: 'a duration: 0, 12h, 14d',
    sentence: 'From the first start for so long no answer is harder than a delay or 4xx.',
    accepts: (value) => durationSeconds(value) !== undefined,
  },
  ...detectorNames.map((name): Setting => ({
    key: `judge.detectors.${name}`,
    default: 'enforce',
    form: 'enforce, observe or off',
    sentence: `What the detector ${name} may do: act, only report, or nothing.`,
    accepts: isOneOf('enforce', 'observe', 'off'),
  })),
  {
    key: 'actions.firewall',
    default: 'observe',
    form: 'observe, suggest or enforce',
    sentence:
      'What follows a conviction at the firewall: a note, a suggestion that waits for `postern accept`, or a block.',
    accepts: isOneOf('observe', 'suggest', 'enforce'),
  },
  ...convictingDetectors.map((name): Setting => ({
    key: `actions.detectors.${name}`,
    default: 'same',
    form: 'same, observe, suggest or enforce',
    sentence: `The same for what the detector ${name} convicts alone.`,
    accepts: isOneOf('same', 'observe', 'suggest', 'enforce'),
  })),
  {
    key: 'actions.perMinuteMax',
    default: 600,
    form: 'a whole number from 0 to 100000',
    sentence: 'More blocks a minute than this are only suggested.',
    accepts: isWhole(0, 100_000),
  },
  {
    key: 'table.sizeMiB',
    default: 64,
    form: 'a whole number from 4 to 4096',
    sentence: 'Memory for all statistics; it never grows beyond.',
    accepts: isWhole(4, 4096),
  },
];

export type Values = ReadonlyMap<string, unknown>;
export const defaults: Values = new Map(settings.map((setting) => [setting.key, setting.default]));
