/** What mailboxes hold, as their own files say: `maildirsize` of a Maildir++, the size of an mbox. */
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
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

/** @returns undefined when there is none; a pipe or a link that a user has put there is none */
const readSmallFile = async (path: string, bytesMax: number): Promise<string | undefined> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
      throw error;
    },
  );
  if (file === undefined) return undefined;
  try {
    if (!(await file.stat()).isFile()) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytesMax + 1), 0, bytesMax + 1, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
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
const readMaildir = async ({ path, address }: MailboxPlace): Promise<Mailbox | undefined> => {
  const text = await readSmallFile(join(path, 'maildirsize'), maildirsizeBytesMax);
  if (text === undefined) return unlimited(address);
  const read = readMaildirsize(text);
  return read === undefined ? undefined : { address, ...read };
};

const readMbox = async ({ path, address }: MailboxPlace, bytesMax: number): Promise<Mailbox | undefined> => {
  const facts = await lstat(path);
  return facts.isFile() ? { ...unlimited(address), usedBytes: facts.size, bytesMax } : undefined;
};

const readAll = async (
  pattern: string,
  read: (place: MailboxPlace) => Promise<Mailbox | undefined>,
): Promise<Mailboxes> => {
  const mailboxes: Mailbox[] = [];
  const unknown: string[] = [];
  for (const place of await walkMailboxes(pattern))
    try {
      const mailbox = await read(place);
      if (mailbox === undefined) unknown.push(`${place.path}: it cannot be made out`);
      else mailboxes.push(mailbox);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') unknown.push(`${place.path}: ${codeOf(error)}`);
    }
  return { mailboxes, unknown };
};

export const readMaildirs = (pattern: string): Promise<Mailboxes> => readAll(pattern, readMaildir);
export const readMboxes = (pattern: string, bytesMax: number): Promise<Mailboxes> =>
  readAll(pattern, (place) => readMbox(place, bytesMax));
