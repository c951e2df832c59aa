/**
 * How much still goes into a mailbox, for those that are nearly full or filling fast. Read elsewhere and said here, where a
 * verdict finds it without waiting for a disk; what is not said again in time is forgotten, and unknown means there is room.
 *
 *   word 4  until     word 5  from this size on nothing goes in, in bytes (0: full)     word 6  seconds until full, 0: not known
 *   word 7  how full, in percent
 *
 * A full mailbox is refused while the sender is connected. It says nothing about the client.
 */
import { overQuotaLater, overQuotaReply } from '../../model/mailbox.ts';
import type { Question } from '../../model/question.ts';
import type { Verdict } from '../../model/verdict.ts';
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';
import { tags } from './tags.ts';

export type Room = {
  /** A message of this many bytes, or more, does not go in; 0: full. */
  readonly overFromBytes: number;
  /** At the pace of late; undefined: not soon. */
  readonly fullInSeconds: number | undefined;
  readonly percentUsed: number | undefined;
};

const wordMax = 0xffff_ffff;
/** No more of the table than this: rooms are guarded, and would push out what detectors learned. */
const shareOfTable = 1 / 20;
const roomsMax = 50_000;
const bytesPerRecord = 28;

/** How many mailboxes may be said. */
export const roomsIn = ({ words }: Table): number =>
  Math.min(roomsMax, Math.floor((words.byteLength / bytesPerRecord) * shareOfTable));

const wordOf = (value: number): number => Math.max(0, Math.min(wordMax, Math.ceil(value)));

/** @param until seconds since 1970 */
export const sayRoom = (table: Table, address: string, room: Room, until: number, seconds: number): void => {
  const at = table.place(tags.mailboxRoom, address, shapes.guarded, seconds);
  if (at < 0) return;
  table.words[at + 2] = seconds;
  table.words[at + 5] = wordOf(room.overFromBytes);
  table.words[at + 6] = room.fullInSeconds === undefined ? 0 : Math.max(1, wordOf(room.fullInSeconds));
  table.words[at + 7] = wordOf(room.percentUsed ?? 0);
  table.words[at + 4] = until;
};

/** It has room again. */
export const forgetRoom = (table: Table, address: string): void => {
  const at = table.find(tags.mailboxRoom, address);
  if (at >= 0) table.words[at + 4] = 0;
};

const recordOf = (table: Table, address: string, seconds: number): number => {
  const at = table.find(tags.mailboxRoom, address);
  return at >= 0 && (table.words[at + 4] ?? 0) > seconds ? at : -1;
};

/** `name+detail@domain` is `name@domain` where nothing is known of it itself (RFC 5233). */
const withoutDetail = (address: string): string => {
  const plus = address.indexOf('+');
  const at = address.lastIndexOf('@');
  return plus > 0 && plus < at ? address.slice(0, plus) + address.slice(at) : address;
};

const find = (table: Table, recipient: string, seconds: number): number => {
  const address = recipient.toLowerCase();
  const at = recordOf(table, address, seconds);
  return at >= 0 || !address.includes('+') ? at : recordOf(table, withoutDetail(address), seconds);
};

/**
 * @param defers 452 instead of 552
 * @returns undefined where there is room, or nothing is known
 */
export const overQuota = (table: Table, question: Question, seconds: number, defers: boolean): Verdict | undefined => {
  const { stage, recipient, size = 0 } = question;
  // At the end of a message a hook names its recipient only when it is the only one.
  if ((stage !== 'recipient' && stage !== 'message') || recipient === undefined) return undefined;
  const at = find(table, recipient, seconds);
  const from = at < 0 ? wordMax : (table.words[at + 5] ?? wordMax);
  if (at < 0 || size < from) return undefined;
  const why = [{ detector: 'quota', subject: recipient, score: 1, threshold: 1 }];
  return defers
    ? { kind: 'defer', reply: overQuotaLater(from === 0), why }
    : { kind: 'reject', reply: overQuotaReply(from === 0), why, blameless: true };
};

/** @returns undefined when it is not filling fast */
export const fillingOf = (
  table: Table,
  recipient: string,
  seconds: number,
): { readonly fullInSeconds: number; readonly percentUsed: number } | undefined => {
  const at = find(table, recipient, seconds);
  const fullInSeconds = at < 0 ? 0 : (table.words[at + 6] ?? 0);
  return fullInSeconds === 0 ? undefined : { fullInSeconds, percentUsed: table.words[at + 7] ?? 0 };
};
