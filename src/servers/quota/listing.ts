/**
 * What a site's own command prints of its mailboxes: `ADDRESS USED LIMIT [MESSAGES MESSAGES-LIMIT]` a line, bytes and whole
 * numbers, `-` for none or not known; `#` begins a comment.
 */
import type { Mailbox } from '../../model/mailbox.ts';
import { mailboxesMax } from '../../model/mailbox.ts';

export type Listing = {
  readonly mailboxes: readonly Mailbox[];
  /** Lines that are no row, counted from 1; the first few. */
  readonly garbage: readonly number[];
};

const garbageMax = 10;
const addressLengthMax = 320;

const isCount = (text: string | undefined): boolean => text === undefined || text === '-' || /^\d{1,15}$/.test(text);
const countOf = (text: string | undefined): number | undefined =>
  text === undefined || text === '-' ? undefined : Number(text);

export const readListing = (text: string): Listing => {
  const mailboxes: Mailbox[] = [];
  const garbage: number[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    if (mailboxes.length >= mailboxesMax) break;
    const [address = '', ...counts] = trimmed.split(/[ \t]+/);
    const isRow = (counts.length === 2 || counts.length === 4) && counts.every(isCount);
    if (!isRow || address.length > addressLengthMax) {
      if (garbage.length < garbageMax) garbage.push(at + 1);
      continue;
    }
    const [used, bytes, messages, messagesMax] = counts.map(countOf);
    mailboxes.push({
      address: address.toLowerCase(),
      usedBytes: used,
      bytesMax: bytes || undefined,
      messages,
      messagesMax: messagesMax || undefined,
    });
  }
  return { mailboxes, garbage };
};
