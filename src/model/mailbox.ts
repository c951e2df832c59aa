/**
 * What a mailbox holds and may hold, whoever told it, and what a sender hears of a full one: 552 or 452 (RFC 5321 §4.2.3,
 * RFC 1870 §6), 5.2.2 or 4.2.2 (RFC 3463).
 */
import type { Reply } from './reply.ts';

export type Mailbox = {
  /** As recipients are written, in lower case; without a domain where its source knows none. */
  readonly address: string;
  /** undefined: nobody counts. */
  readonly usedBytes: number | undefined;
  /** undefined: no limit. */
  readonly bytesMax: number | undefined;
  readonly messages: number | undefined;
  readonly messagesMax: number | undefined;
  /** So far the last message may go beyond the limit. */
  readonly graceBytes?: number;
};

export const mailboxesMax = 200_000;

/** How large a message may be that still goes in: 0 or less is full, Infinity is no limit. */
export const roomBytesOf = (mailbox: Mailbox): number => {
  const { usedBytes = 0, bytesMax, messages = 0, messagesMax, graceBytes = 0 } = mailbox;
  if (messagesMax !== undefined && messages >= messagesMax) return 0;
  if (bytesMax === undefined) return Infinity;
  const left = bytesMax - usedBytes;
  return left <= 0 ? left : left + graceBytes;
};

/** 0 to 1 and above, by whichever limit is nearer; undefined without a limit. */
export const shareUsedOf = ({ usedBytes = 0, bytesMax, messages = 0, messagesMax }: Mailbox): number | undefined => {
  const shares = [
    ...(bytesMax === undefined ? [] : [usedBytes / bytesMax]),
    ...(messagesMax === undefined ? [] : [messages / messagesMax]),
  ];
  return shares.length === 0 ? undefined : Math.max(...shares);
};

const full = 'Mailbox is full';
const tooLarge = 'Mailbox is full for a message of this size';

export const overQuotaReply = (isFull: boolean): Reply<'5'> => ({
  code: '552',
  enhanced: '5.2.2',
  text: isFull ? full : tooLarge,
});
export const overQuotaLater = (isFull: boolean): Reply<'4'> => ({
  code: '452',
  enhanced: '4.2.2',
  text: isFull ? full : tooLarge,
});
