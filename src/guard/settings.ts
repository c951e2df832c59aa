/** What the guard may be told: every setting with its default, its form and one sentence. Checked by `config.ts`. */
import { isAddressOrNetwork } from '../model/address-set.ts';
import { detectorNames } from '../judge/detectors/detector.ts';
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

/** The live hooks, with their default ports (DESIGN §7). */
const hooks = [
  { name: 'policy', port: 10_040, sentence: 'Where Postfix asks (check_policy_service).' },
  { name: 'milter', port: 10_041, sentence: 'Where Sendmail, or Postfix, asks as a milter.' },
  { name: 'readsocket', port: 10_042, sentence: 'Where Exim asks (${readsocket}).' },
  { name: 'authPolicy', port: 10_043, sentence: 'Where Dovecot asks (auth_policy_server_url).' },
] as const;
export type HookName = (typeof hooks)[number]['name'];
export const hookNames = hooks.map(({ name }) => name);

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
    key: 'accounts.contain',
    default: 'on',
    form: 'on or off',
    sentence: 'Lock a stolen account and hold what it has in the queue; needs root.',
    accepts: isOneOf('on', 'off'),
  },
  {
    key: 'queue.spools',
    default: ['found'],
    form: 'a list of directories, or `found`',
    sentence: 'The queue directories; `found` looks where distributions put them.',
    accepts: isListOf(isText),
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
