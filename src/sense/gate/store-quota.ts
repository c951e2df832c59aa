/**
 * How full a mailbox of the embedded store is, kept in Maildir++'s `maildirsize` as Courier's README.maildirquota asks: a
 * line is appended for each message; the folder is counted anew when there is no file, when it has grown long, when the limit
 * was changed, and when it says full but is a quarter of an hour old, for readers delete without telling.
 */
import { appendFile, lstat, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { roomBytesOf } from '../../model/mailbox.ts';
import { maildirsizeHead, maildirsizeLine, readMaildirsize } from '../../servers/quota/maildirsize.ts';

const anewFromBytes = 5120;
const trustFullMs = 900_000;
const fileName = 'maildirsize';

const count = async (folder: string): Promise<{ readonly bytes: number; readonly messages: number }> => {
  let [bytes, messages] = [0, 0];
  for (const part of ['new', 'cur'])
    for (const name of await readdir(join(folder, part)).catch(() => [])) {
      const facts = await lstat(join(folder, part, name)).catch(() => undefined);
      if (facts?.isFile() !== true) continue;
      bytes += facts.size;
      messages++;
    }
  return { bytes, messages };
};

const countAnew = async (folder: string, bytesMax: number): Promise<number> => {
  const { bytes, messages } = await count(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const beside = join(folder, `${fileName}.tmp`);
  await writeFile(beside, maildirsizeHead(bytesMax) + maildirsizeLine(bytes, messages), { mode: 0o600 });
  await rename(beside, join(folder, fileName));
  return bytesMax - bytes;
};

/** @returns bytes that still go in, 0 or less when it is full. @throws what the disk said */
export const roomIn = async (folder: string, bytesMax: number): Promise<number> => {
  const path = join(folder, fileName);
  const facts = await lstat(path).catch(() => undefined);
  if (facts === undefined || facts.size > anewFromBytes) return countAnew(folder, bytesMax);
  const read = readMaildirsize(await readFile(path, 'latin1'));
  if (read === undefined || read.bytesMax !== bytesMax) return countAnew(folder, bytesMax);
  const room = roomBytesOf({ address: '', ...read });
  return room <= 0 && Date.now() - facts.mtimeMs > trustFullMs ? countAnew(folder, bytesMax) : room;
};

/** A message came in. It is kept already: where this cannot be written, the next count finds it. */
export const fill = (folder: string, bytes: number): Promise<void> =>
  appendFile(join(folder, fileName), maildirsizeLine(bytes, 1)).catch(() => undefined);
