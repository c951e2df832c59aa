/** The mailboxes that a path pattern stands for: `/var/vmail/%d/%n`. Folders are listed, nothing in them is opened. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mailboxesMax } from '../../model/mailbox.ts';
import { addressOf, matchPart } from '../../servers/quota/source.ts';
import type { Found } from '../../servers/quota/source.ts';

export type MailboxPlace = { readonly path: string; readonly address: string };

type Place = { readonly path: string; readonly found: Found };

const namesIn = (folder: string): Promise<readonly string[]> =>
  readdir(folder).then(
    (names) => names.toSorted(),
    (error: unknown) => {
      // A file among folders, and what has just gone; a folder that may not be read is told.
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
      throw error;
    },
  );

const step = async (places: readonly Place[], part: string): Promise<readonly Place[]> => {
  if (!part.includes('%') && part !== '*') return places.map(({ path, found }) => ({ path: join(path, part), found }));
  const next: Place[] = [];
  for (const { path, found } of places)
    for (const name of await namesIn(path)) {
      const more = name.startsWith('.') ? undefined : matchPart(part, name);
      if (more !== undefined && next.push({ path: join(path, name), found: { ...found, ...more } }) >= mailboxesMax)
        return next;
    }
  return next;
};

/** @throws what the disk said when a folder may not be read */
export const walkMailboxes = async (pattern: string): Promise<readonly MailboxPlace[]> => {
  let places: readonly Place[] = [{ path: '/', found: {} }];
  for (const part of pattern.split('/').filter((each) => each !== '')) places = await step(places, part);
  return places.map(({ path, found }) => ({ path, address: addressOf(found) }));
};
