/**
 * Files with which an account lets its mail be sorted or sent on, in its home: `.forward` (aliases(5)), sieve scripts where
 * Pigeonhole keeps them, `.procmailrc`. Looked at, never followed: what is there was perhaps written by a thief.
 */
import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export type Filter = {
  readonly path: string;
  /** Milliseconds since 1970, by the clock of the machine: what the owner cannot set back. */
  readonly changed: number;
  /** Addresses that it sends to. */
  readonly sendsTo: readonly string[];
};

const names = ['.forward', '.dovecot.sieve', '.sieve', '.procmailrc'];
const scriptFolders = ['sieve', '.sieve.d'];
const scriptsMax = 100;
const textBytesMax = 65_536;
const addressesMax = 20;

const addressesIn = (text: string): readonly string[] =>
  [...new Set([...text.matchAll(/[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,255}/g)].map(([address]) => address))].slice(
    0,
    addressesMax,
  );

const textOf = async (path: string): Promise<string> => {
  // oxlint-disable-next-line no-bitwise -- the flags of open(2)
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(textBytesMax), 0, textBytesMax, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
};

const look = async (path: string): Promise<Filter | undefined> => {
  const seen = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (seen === undefined || seen.isDirectory()) return undefined;
  const text = seen.isFile() ? await textOf(path) : '';
  return { path, changed: seen.ctimeMs, sendsTo: addressesIn(text) };
};

/** @throws when the home may not be looked into */
export const filtersIn = async (home: string): Promise<readonly Filter[]> => {
  const scripts: string[] = [];
  for (const folder of scriptFolders) {
    const entries = await readdir(join(home, folder)).catch(() => []);
    scripts.push(...entries.filter((name) => name.endsWith('.sieve')).map((name) => join(folder, name)));
  }
  const found: Filter[] = [];
  for (const name of [...names, ...scripts.slice(0, scriptsMax)]) {
    const filter = await look(join(home, name));
    if (filter !== undefined) found.push(filter);
  }
  return found;
};
