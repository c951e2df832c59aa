/** Settings of the quotas. */
import type { QuotaSource } from '../../servers/quota/source.ts';
import { quotaSourceOf } from '../../servers/quota/source.ts';
import { isListOf, isOneOf, isWhole } from '../setting.ts';
import type { Setting } from '../setting.ts';

export const quotaOptions: readonly Setting[] = [
  {
    key: 'quota.sources',
    default: [],
    form: 'a list of: dovecot, quota-status:host:port, maildir:/var/vmail/%d/%n, mbox:50M:/var/mail/%n, command:/path',
    sentence: 'Where mailboxes and their quotas are read; empty: the guard knows nothing of them.',
    accepts: isListOf((item) => quotaSourceOf(item) !== undefined),
  },
  {
    key: 'quota.domains',
    default: [],
    form: 'a list of domains',
    sentence: 'The domains of mailboxes whose names have none (system users, /var/mail/%n).',
    accepts: isListOf((item) => typeof item === 'string' && /^[0-9A-Za-z][0-9A-Za-z._-]*$/.test(item)),
  },
  {
    key: 'quota.reply',
    default: 'reject',
    form: 'reject or defer',
    sentence: 'What the sender hears of a full mailbox: 552 5.2.2, or 452 4.2.2 and to try again.',
    accepts: isOneOf('reject', 'defer'),
  },
  {
    key: 'quota.refreshSeconds',
    default: 60,
    form: 'a whole number from 5 to 3600',
    sentence: 'How often the sources are read.',
    accepts: isWhole(5, 3600),
  },
];

export type QuotaChoice = {
  readonly sources: readonly QuotaSource[];
  /** For mailboxes whose names have no domain. */
  readonly domains: readonly string[];
  readonly refreshSeconds: number;
};

export const quotaChoice = (values: ReadonlyMap<string, unknown>): QuotaChoice => {
  const domains = values.get('quota.domains');
  return {
    sources: sourcesIn(values.get('quota.sources')),
    domains: Array.isArray(domains) ? domains.map((domain) => String(domain).toLowerCase()) : [],
    refreshSeconds: Number(values.get('quota.refreshSeconds')),
  };
};

export const sourcesIn = (value: unknown): readonly QuotaSource[] =>
  Array.isArray(value) ? value.flatMap((item) => quotaSourceOf(item) ?? []) : [];
