/** What the guard may be told: every setting with its default, its form and one sentence. Checked by `config.ts`. */
import { join } from 'node:path';
import { isAddressOrNetwork } from '../model/address-set.ts';
import { detectorNames } from '../judge/detectors/detector.ts';
import { zoneOf } from '../protocols/syslog/zone.ts';
import { gateOptions } from './gate-options.ts';
import { noticeOptions } from './notices/options.ts';
import { quotaOptions } from './quota/options.ts';
import { isListOf, isOneOf, isText, isWhole, listenAt } from './setting.ts';
import type { Setting } from './setting.ts';

const durationUnits = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
  ['w', 7 * 86_400],
]);

/** `90m`, `4h`, `14d`, `0` in seconds; undefined for anything else. */
export const durationSeconds = (text: unknown): number | undefined => {
  if (text === 0 || text === '0') return 0;
  const parts = typeof text === 'string' ? /^(\d{1,6})([smhdw])$/.exec(text) : null;
  const unit = durationUnits.get(parts?.[2] ?? '');
  return unit === undefined ? undefined : Number(parts?.[1]) * unit;
};

const weekSeconds = 7 * 86_400;
/** Whatever is waited for has an end: a timer of Node's that is to wait for more than 24 days does not wait at all. */
const isDurationUpToWeek =
  (secondsMin: number) =>
  (value: unknown): boolean => {
    const seconds = durationSeconds(value) ?? -1;
    return seconds >= secondsMin && seconds <= weekSeconds;
  };

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

/** Those whose conviction of a client may lead to a block. */
const convictingDetectors = ['harvest', 'relay', 'guessing', 'protocol-abuse', 'connection-flood'] as const;

/** Below the program, wherever it is called from; a packaged one keeps its state where such things belong. */
const program = join(import.meta.dirname, '../..');
const usualState = program.startsWith('/usr/') ? '/var/lib/postern' : join(program, 'var');

export const settings: readonly Setting[] = [
  {
    key: 'state',
    default: usualState,
    form: 'a directory',
    sentence: 'Where everything is kept that must survive a restart; `var` below the program, or /var/lib/postern.',
    accepts: isText,
  },
  {
    key: 'logs',
    default: ['found'],
    form: 'a list of paths, `journal` or `found`',
    sentence: 'The mail logs to follow; `journal` is that of systemd; `found` looks where distributions put them.',
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
  ...gateOptions,
  {
    key: 'protect',
    default: [],
    form: 'a list of addresses and networks',
    sentence: 'Never acted on, whatever they do: own networks, relay hosts, monitoring. 127.0.0.1 and ::1 always are.',
    accepts: isListOf((item) => typeof item === 'string' && isAddressOrNetwork(item)),
  },
  {
    key: 'check.every',
    default: '15m',
    form: 'a duration from 1m to 7d: 15m, 1h; 0: never',
    sentence: 'How often the guard proves by itself that the servers ask it, and obey.',
    accepts: (value) => durationSeconds(value) === 0 || isDurationUpToWeek(60)(value),
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
    key: 'accounts.contain',
    default: 'on',
    form: 'on or off',
    sentence: 'Lock a stolen account and hold what it has in the queue; needs root.',
    accepts: isOneOf('on', 'off'),
  },
  {
    key: 'accounts.lookAgain',
    default: '10m',
    form: 'a duration up to 7d: 30s, 10m, 1h',
    sentence: 'So long after a lock the guard looks again at what of the account still moves, and what a thief left.',
    accepts: isDurationUpToWeek(1),
  },
  {
    key: 'accounts.invalidPerHour',
    default: 100,
    form: 'a whole number from 0 to 100000',
    sentence:
      'So many recipients that do not exist within an hour hold an account, one forgiven for nine deliveries; 0: no such line.',
    accepts: isWhole(0, 100_000),
  },
  {
    key: 'accounts.command',
    default: [],
    form: 'a list: the full path of a program, then arguments of its own',
    sentence: 'Locks accounts of another user store; it is told lock, unlock or status, and the account.',
    accepts: (value) =>
      isListOf(isText)(value) && (!Array.isArray(value) || value.length === 0 || String(value[0]).startsWith('/')),
  },
  {
    key: 'evidence.keep',
    default: '90d',
    form: 'a duration: 30d, 52w; 0: for ever',
    sentence: 'So long the mail that was purged is kept; later that purge cannot be undone.',
    accepts: (value) => durationSeconds(value) !== undefined,
  },
  {
    key: 'helper.socket',
    default: 'off',
    form: 'a path, or off',
    sentence:
      'Where the helper (postern helper, root) is asked by a guard that is not root; off: the guard acts itself.',
    accepts: (value) => value === 'off' || (isText(value) && value.startsWith('/')),
  },
  ...quotaOptions,
  ...noticeOptions,
  {
    key: 'ledger.keep',
    default: '400d',
    form: 'a duration from 1d: 90d, 400d',
    sentence: 'What is over for so long is forgotten; what is in force never is.',
    accepts: (value) => (durationSeconds(value) ?? 0) >= 86_400,
  },
  {
    key: 'ledger.actionsMax',
    default: 1_000_000,
    form: 'a whole number from 1000 to 100000000',
    sentence: 'Of what is over, no more than so many actions are kept.',
    accepts: isWhole(1000, 100_000_000),
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
