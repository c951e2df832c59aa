/**
 * `maildirsize` of a Maildir++ (Courier's README.maildirquota; Dovecot, Exim and maildrop write it too): the first line is
 * the quota, `1000000S,1000C` (bytes, messages); each further line adds bytes and messages, which may be negative. Writers
 * append at any moment: what has no line end yet is not there yet.
 */
import type { Mailbox } from '../../model/mailbox.ts';

/** A writer begins anew above 5120 bytes. */
export const maildirsizeBytesMax = 64 * 1024;

/** A thousand terabytes, and as many messages: whatever says more is no count. */
const countMax = 1e15;

const limitOf = (term: string): { readonly letter: string; readonly value: number } | undefined => {
  const parts = /^(\d{1,16})([SC])$/.exec(term);
  return parts === null || Number(parts[1]) > countMax
    ? undefined
    : { letter: parts[2] ?? '', value: Number(parts[1]) };
};

type Limits = Pick<Mailbox, 'bytesMax' | 'messagesMax'>;

/** A limit of 0 is none. */
const limitsOf = (line: string): Limits | undefined => {
  let limits: Limits = { bytesMax: undefined, messagesMax: undefined };
  if (line === '') return limits;
  for (const term of line.split(',')) {
    const limit = limitOf(term.trim());
    if (limit === undefined) return undefined;
    if (limit.value === 0) continue;
    limits = limit.letter === 'S' ? { ...limits, bytesMax: limit.value } : { ...limits, messagesMax: limit.value };
  }
  return limits;
};

const change = /^ {0,20}(-?\d{1,16}) {1,20}(-?\d{1,16}) {0,20}$/;

/** @returns undefined for what is no such file, or is damaged: then nothing is known */
export const readMaildirsize = (text: string): Omit<Mailbox, 'address'> | undefined => {
  if (text.length > maildirsizeBytesMax) return undefined;
  const [head, ...lines] = text.split('\n').slice(0, -1);
  const limits = head === undefined ? undefined : limitsOf(head.trim());
  if (limits === undefined) return undefined;
  let [usedBytes, messages] = [0, 0];
  for (const line of lines) {
    const parts = change.exec(line);
    if (parts === null) return undefined;
    usedBytes += Number(parts[1]);
    messages += Number(parts[2]);
  }
  if (Math.abs(usedBytes) > countMax || Math.abs(messages) > countMax) return undefined;
  return { ...limits, usedBytes: Math.max(0, usedBytes), messages: Math.max(0, messages) };
};

/** What a mailbox's first line says. */
export const maildirsizeHead = (bytesMax: number): string => `${bytesMax}S\n`;
/** Messages that came or went. */
export const maildirsizeLine = (bytes: number, messages: number): string => `${bytes} ${messages}\n`;
