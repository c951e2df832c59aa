/** The mailboxes that a path pattern stands for: `/var/vmail/%d/%n`. Folders are listed, nothing in them is opened. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { mailboxesMax } from '../../model/mailbox.ts';
import { addressOf, matchPart } from '../../servers/quota/source.ts';
import type { Found } from '../../servers/quota/source.ts';

export type MailboxPlace = { readonly path: string; readonly address: string };

type Place = { readonly path: string; readonly found: Found };

/** A file among folders holds none, and neither does what has just gone. @throws what the disk said otherwise */
const namesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder).toSorted();
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
};

const step = (places: readonly Place[], part: string): readonly Place[] => {
  if (!part.includes('%') && part !== '*') return places.map(({ path, found }) => ({ path: join(path, part), found }));
  const next: Place[] = [];
  for (const { path, found } of places)
    for (const name of namesIn(path)) {
      const more = name.startsWith('.') ? undefined : matchPart(part, name);
      if (more !== undefined && next.push({ path: join(path, name), found: { ...found, ...more } }) >= mailboxesMax)
        return next;
    }
  return next;
};

/** @throws what the disk said when a folder may not be read */
export const walkMailboxes = (pattern: string): readonly MailboxPlace[] =>
  pattern
    .split('/')
    .filter((part) => part !== '')
    .reduce(step, [{ path: '/', found: {} }])
    .map(({ path, found }) => ({ path, address: addressOf(found) }));
