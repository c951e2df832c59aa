/**
 * What mailboxes hold, as their own files say: `maildirsize` of a Maildir++, the size of an mbox. Read one after another and
 * waited for, several times faster than not waiting: it is done in a thread where nobody else is kept waiting.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Mailbox } from '../../model/mailbox.ts';
import { maildirsizeBytesMax, readMaildirsize } from '../../servers/quota/maildirsize.ts';
import { walkMailboxes } from './walk.ts';
import type { MailboxPlace } from './walk.ts';

export type Mailboxes = {
  readonly mailboxes: readonly Mailbox[];
  /** Those of which nothing can be said, and why. */
  readonly unknown: readonly string[];
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);

/** One for all: there may be a hundred thousand mailboxes. */
const block = Buffer.alloc(maildirsizeBytesMax + 1);

/** @returns undefined when there is none; a pipe or a link that a user has put there is none */
const readSmallFile = (path: string): string | undefined => {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  try {
    return fstatSync(file).isFile()
      ? block.toString('latin1', 0, readSync(file, block, 0, block.length, 0))
      : undefined;
  } finally {
    closeSync(file);
  }
};

const unlimited = (address: string): Mailbox => ({
  address,
  usedBytes: undefined,
  bytesMax: undefined,
  messages: undefined,
  messagesMax: undefined,
});

/** A Maildir without the file has no quota of this kind. */
const readMaildir = ({ path, address }: MailboxPlace): Mailbox | undefined => {
  const text = readSmallFile(join(path, 'maildirsize'));
  if (text === undefined) return unlimited(address);
  const read = readMaildirsize(text);
  return read === undefined ? undefined : { address, ...read };
};

const readMbox = ({ path, address }: MailboxPlace, bytesMax: number): Mailbox | undefined => {
  const facts = lstatSync(path);
  return facts.isFile() ? { ...unlimited(address), usedBytes: facts.size, bytesMax } : undefined;
};

const readAll = (pattern: string, read: (place: MailboxPlace) => Mailbox | undefined): Mailboxes => {
  const mailboxes: Mailbox[] = [];
  const unknown: string[] = [];
  for (const place of walkMailboxes(pattern))
    try {
      const mailbox = read(place);
      if (mailbox === undefined) unknown.push(`${place.path}: it cannot be made out`);
      else mailboxes.push(mailbox);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') unknown.push(`${place.path}: ${codeOf(error)}`);
    }
  return { mailboxes, unknown };
};

export const readMaildirs = (pattern: string): Mailboxes => readAll(pattern, readMaildir);
export const readMboxes = (pattern: string, bytesMax: number): Mailboxes =>
  readAll(pattern, (place) => readMbox(place, bytesMax));
