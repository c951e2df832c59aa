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

/** Without the plugin doveadm does not know the command, and nobody has a quota. */
export const saysNoPlugin = (stderr: string): boolean => stderr.includes("Unknown command 'quota'");

/** `doveadm user '*'`: a name a line. */
export const readDoveadmUsers = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim().toLowerCase())
    .filter((line) => line !== '')
    .slice(0, mailboxesMax);

/** Dovecot's own, where nothing is set. */
const graceUsual = 0.1;
const graceUnits = new Map([
  ['', 1],
  ['b', 1],
  ['k', 1024],
  ['m', 1024 ** 2],
  ['g', 1024 ** 3],
]);

/** @param text the value of `quota_grace`: `10%%`, `10%`, `50 M`, `0`; what cannot be read is taken for the usual one */
export const graceBytesOf = (text: string, bytesMax: number): number => {
  const parts = /^(\d{1,12}) ?([bkmg]?)b?$/.exec(text.trim().toLowerCase());
  const unit = graceUnits.get(parts?.[2] ?? '');
  if (parts !== null && unit !== undefined) return Number(parts[1]) * unit;
  const percent = /^(\d{1,3})%{1,2}$/.exec(text.trim());
  return Math.floor(bytesMax * (percent === null ? graceUsual : Number(percent[1]) / 100));
};
