/** Settings of the quotas. */
import type { QuotaSource } from '../../servers/quota/source.ts';
import { quotaSourceOf } from '../../servers/quota/source.ts';
import { isListOf } from '../setting.ts';
import type { Setting } from '../setting.ts';

export const quotaOptions: readonly Setting[] = [
  {
    key: 'quota.sources',
    default: [],
    form: 'a list of: dovecot, maildir:/var/vmail/%d/%n, mbox:50M:/var/mail/%n, command:/path',
    sentence: 'Where mailboxes and their quotas are read; empty: the guard knows nothing of them.',
    accepts: isListOf((item) => quotaSourceOf(item) !== undefined),
  },
];

export const sourcesIn = (value: unknown): readonly QuotaSource[] =>
  Array.isArray(value) ? value.flatMap((item) => quotaSourceOf(item) ?? []) : [];
