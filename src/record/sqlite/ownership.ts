/** What root makes in the folder of another user must stay usable for that user: the guard is not root. */
import { lchownSync, lstatSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whoever owns the folder may have put anything in the file's place: a link of either kind is left alone. @param file new or not */
export const giveToFolderOwner = (file: string): void => {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(file));
  const own = lstatSync(file);
  if (uid !== 0 && own.uid === 0 && own.isFile() && own.nlink === 1) lchownSync(file, uid, gid);
};
