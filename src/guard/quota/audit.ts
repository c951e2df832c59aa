/** Mailboxes and what is wrong with them: no quota, full, nearly full, filling fast. */
import { join } from 'node:path';
import { Fault } from '../../model/fault.ts';
import { roomBytesOf, shareUsedOf } from '../../model/mailbox.ts';
import type { Mailbox } from '../../model/mailbox.ts';
import type { CarryOut } from '../../model/verb.ts';
import type { QuotaSource } from '../../servers/quota/source.ts';
import { openGrowth } from './growth.ts';
import type { Growth } from './growth.ts';
import { readQuotas } from './read.ts';

const conditions = ['full', 'filling', 'nearly-full', 'no-quota', 'fine'] as const;
export type Condition = (typeof conditions)[number];

export type AuditedMailbox = Mailbox & {
  readonly condition: Condition;
  readonly shareUsed: number | undefined;
  readonly growth: Growth | undefined;
};

export type QuotaAudit = {
  /** The worst first. */
  readonly mailboxes: readonly AuditedMailbox[];
  /** What could not be read, and why. */
  readonly unknown: readonly string[];
};

const nearlyFullFrom = 0.9;

const growthFile = (state: string): string => join(state, 'quota.looks');

const conditionOf = (mailbox: Mailbox, growth: Growth | undefined): Condition => {
  const share = shareUsedOf(mailbox);
  if (share === undefined) return 'no-quota';
  if (roomBytesOf(mailbox) <= 0) return 'full';
  if (growth?.fullInHours !== undefined) return 'filling';
  return share >= nearlyFullFrom ? 'nearly-full' : 'fine';
};

/** @param state the state directory. @throws Fault INPUT_UNREADABLE when no mailbox is found */
export const auditQuotas = async (
  sources: readonly QuotaSource[],
  carryOut: CarryOut,
  state: string,
): Promise<QuotaAudit> => {
  const { mailboxes, unknown } = await readQuotas(sources, carryOut);
  if (mailboxes.length === 0)
    throw new Fault(
      'INPUT_UNREADABLE',
      `no mailbox was found: say where they are (--source dovecot, maildir:/var/vmail/%d/%n, mbox:50M:/var/mail/%n, command:/path)${unknown.map((why) => `\n${why}`).join('')}`,
    );
  const growths = await openGrowth(growthFile(state)).enter(mailboxes, Date.now());
  const audited = mailboxes.map((mailbox) => {
    const growth = growths.get(mailbox.address);
    return { ...mailbox, growth, shareUsed: shareUsedOf(mailbox), condition: conditionOf(mailbox, growth) };
  });
  const rank = (condition: Condition): number => conditions.indexOf(condition);
  return {
    mailboxes: audited.toSorted(
      (a, b) =>
        rank(a.condition) - rank(b.condition) ||
        (b.shareUsed ?? 0) - (a.shareUsed ?? 0) ||
        (a.address < b.address ? -1 : 1),
    ),
    unknown,
  };
};
