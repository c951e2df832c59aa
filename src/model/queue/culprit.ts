/**
 * Whose mail is held: an account, or a local user as `user:www-data` or `user:33` (Postfix logs the number, Exim and
 * Sendmail the name). The same text stands in the ledger and on the command line.
 */
import type { QueuedMessage } from './message.ts';

const userMark = 'user:';

export const culpritOf = (kind: string, value: string): string | undefined => {
  if (kind === 'account') return value.toLowerCase();
  // An alias that forwards is a `user` of the report, too, but hands nothing in.
  return kind === 'user' && !value.includes('@') ? `${userMark}${value}` : undefined;
};

export const isLocalUser = (culprit: string): boolean => culprit.startsWith(userMark);

export const isOf = (culprit: string, { account, user, uid }: QueuedMessage): boolean => {
  if (!isLocalUser(culprit)) return account?.toLowerCase() === culprit;
  const name = culprit.slice(userMark.length);
  return user === name || String(uid) === name;
};

/** The same as a condition of `--where`. */
export const conditionFor = (culprit: string): string => {
  const name = (isLocalUser(culprit) ? culprit.slice(userMark.length) : culprit).replaceAll('"', '');
  if (!isLocalUser(culprit)) return `account = "${name}"`;
  return /^\d{1,10}$/.test(name) ? `uid = ${name}` : `user = "${name}"`;
};
