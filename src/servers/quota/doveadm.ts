/**
 * `doveadm -f tab quota get -A` (doveadm-quota(1)): a row for each user, quota root and resource. STORAGE is in kibibytes,
 * a limit of `-` is none, `error` stands where Dovecot itself could not say.
 */
import type { Mailbox } from '../../model/mailbox.ts';
import { mailboxesMax, shareUsedOf } from '../../model/mailbox.ts';

const heading = 'Username\tQuota name\tType\tValue\tLimit\t%';

export type DovecotQuotas = {
  readonly mailboxes: readonly Mailbox[];
  /** Users of whom Dovecot could not say. */
  readonly unknown: readonly string[];
};

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

const empty = (address: string): Mailbox => ({
  address,
  usedBytes: undefined,
  bytesMax: undefined,
  messages: undefined,
  messagesMax: undefined,
});

/** Of several roots the one that is nearest to its limit decides. */
const fuller = (one: Mailbox, other: Mailbox): Mailbox =>
  (shareUsedOf(other) ?? -1) > (shareUsedOf(one) ?? -1) ? other : one;

/** @returns undefined when it is no such table */
export const readDoveadmQuota = (text: string): DovecotQuotas | undefined => {
  const [head, ...lines] = text.split('\n');
  if (head !== heading) return undefined;
  const roots = new Map<string, Map<string, Mailbox>>();
  const unknown = new Set<string>();
  for (const line of lines) {
    const [user = '', root = '', type, value, limit, ...rest] = line.toLowerCase().split('\t');
    if (user === '' || rest.length !== 1) continue;
    const used = numberOf(value);
    if (used === undefined) {
      unknown.add(user);
      continue;
    }
    if (!roots.has(user) && roots.size >= mailboxesMax) break;
    const ofUser = roots.get(user) ?? new Map<string, Mailbox>();
    roots.set(user, ofUser);
    const before = ofUser.get(root) ?? empty(user);
    // A limit of 0 is none (quota_rule).
    const max = numberOf(limit) || undefined;
    if (type === 'storage')
      ofUser.set(root, { ...before, usedBytes: used * 1024, bytesMax: max === undefined ? undefined : max * 1024 });
    if (type === 'message') ofUser.set(root, { ...before, messages: used, messagesMax: max });
  }
  return {
    mailboxes: [...roots].map(([user, ofUser]) => [...ofUser.values()].reduce(fuller, empty(user))),
    unknown: [...unknown].filter((user) => !roots.has(user)),
  };
};

/** `doveadm user '*'`: a name a line. */
export const readDoveadmUsers = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim().toLowerCase())
    .filter((line) => line !== '')
    .slice(0, mailboxesMax);
