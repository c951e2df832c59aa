/** Reads and replaces files: whole, by rename, and only what is a plain file of an owner who is known here. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { Fault } from '../../model/fault.ts';
import type { FileFacts, SeenFile, Verb } from '../../model/verb.ts';
import type { Allowance } from '../allowance.ts';
import { inFolder, openFolder, rootOf } from './folder.ts';
import type { Folder } from './folder.ts';
import { setTimes } from './times.ts';

const fileBytesMax = 64 * 1024 * 1024;
const modeOfNew = 0o644;
const permissions = 0o7777;
const setId = 0o6000;

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

type Seen = SeenFile & { readonly inode: bigint; readonly links: bigint };

const factsOf = (descriptor: number): Pick<Seen, 'facts' | 'inode' | 'links'> & { isFile: boolean; size: bigint } => {
  const stat = fstatSync(descriptor, { bigint: true });
  return {
    isFile: stat.isFile(),
    size: stat.size,
    inode: stat.ino,
    links: stat.nlink,
    facts: {
      mode: Number(stat.mode) & permissions,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      modifiedNs: String(stat.mtimeNs),
      accessedNs: String(stat.atimeNs),
    },
  };
};

// O_NONBLOCK: a FIFO must not hold the helper.
const plainly = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Who neither owns it nor is root may read it, but not without its access time. */
const openPlainly = (place: string): number => {
  try {
    return openSync(place, plainly | constants.O_NOATIME);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
    return openSync(place, plainly);
  }
};

const whyNot = new Map([
  ['ELOOP', 'it is a symbolic link'],
  ['EACCES', 'you may not read it: ask as root (sudo)'],
]);

const look = (path: string, folder: Folder): Seen | undefined => {
  let descriptor: number;
  try {
    descriptor = openPlainly(folder.place(folder.name));
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return undefined;
    throw new Fault('REFUSED_FOR_SAFETY', `${path} cannot be opened as a plain file: ${whyNot.get(code) ?? code}`, {
      cause: error,
    });
  }
  try {
    const { isFile, size, ...rest } = factsOf(descriptor);
    if (!isFile) throw new Fault('REFUSED_FOR_SAFETY', `${path} is not a plain file`);
    if (size > fileBytesMax) throw new Fault('REFUSED_FOR_SAFETY', `${path} is larger than ${fileBytesMax} bytes`);
    return { ...rest, bytes: readFileSync(descriptor) };
  } finally {
    closeSync(descriptor);
  }
};

export const readFile = (path: string, allowance: Allowance): SeenFile | undefined => {
  const seen = inFolder(path, allowance, (folder) => look(path, folder));
  return seen === undefined ? undefined : { bytes: seen.bytes, facts: seen.facts };
};

const besideOf = (folder: Folder): string => folder.place(`.${folder.name}.postern`);

/** From a helper that was killed; perhaps a second name of the file itself. */
const clearBeside = (folder: Folder): void => {
  const beside = besideOf(folder);
  if (lstatSync(beside, { throwIfNoEntry: false })?.isFile() === true) unlinkSync(beside);
};

const writeBeside = async (
  folder: Folder,
  content: Uint8Array,
  facts: FileFacts | undefined,
  exact: boolean,
): Promise<string> => {
  const beside = besideOf(folder);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const descriptor = openSync(beside, flags, 0o600);
  try {
    writeFileSync(descriptor, content);
    if (facts !== undefined) fchownSync(descriptor, facts.uid, facts.gid);
    fchmodSync(descriptor, facts?.mode ?? modeOfNew); // after chown, which clears set-id bits
    if (facts !== undefined && exact) await setTimes(descriptor, facts);
    fsyncSync(descriptor);
    return beside;
  } catch (error) {
    unlinkSync(beside);
    throw error;
  } finally {
    closeSync(descriptor);
  }
};

type Replacement = Verb & { readonly verb: 'replace-file' };

const sameBytes = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;

const changed = (path: string): never => {
  throw new Fault('PARTLY_DONE', `${path} changed meanwhile: nothing was done to it; try again`);
};

const refuse = (text: string): never => {
  throw new Fault('REFUSED_FOR_SAFETY', text);
};

/**
 * Neither a configuration nor a message is run as its owner: whoever asks for that wants a program.
 * @throws Fault REFUSED_FOR_SAFETY
 */
export const checkFacts = (path: string, { uid, mode }: FileFacts, allowance: Allowance): void => {
  if (rootOf(path, allowance).anyOwner !== true && !allowance.owners.has(uid))
    refuse(`${path} belongs to user ${uid}: the helper does not replace it`);
  if ((mode & setId) !== 0)
    refuse(`${path} runs as its owner (mode ${mode.toString(8)}): the helper makes no such file`);
};

/** @throws Fault REFUSED_FOR_SAFETY when it is shared, or somebody else's */
const checkMine = (path: string, { links, facts }: Seen, allowance: Allowance): void => {
  if (links !== 1n) refuse(`${path} has ${links} names (hard links)`);
  checkFacts(path, facts, allowance);
};

/** Another file, or written to in place: both between the look at it and now. */
const isChanged = (target: string, { inode, facts, bytes }: Seen): boolean => {
  const now = lstatSync(target, { bigint: true, throwIfNoEntry: false });
  return now?.ino !== inode || String(now.mtimeNs) !== facts.modifiedNs || now.size !== BigInt(bytes.length);
};

const put = async (replacement: Replacement, seen: Seen | undefined, folder: Folder): Promise<void> => {
  const { path, content, facts } = replacement;
  const target = folder.place(folder.name);
  if (content === undefined) {
    if (seen !== undefined) unlinkSync(target);
    return;
  }
  const beside = await writeBeside(folder, content, facts ?? seen?.facts, facts !== undefined);
  try {
    if (seen === undefined) linkSync(beside, target); // fails when somebody made it meanwhile
    else if (isChanged(target, seen)) changed(path);
    else return renameSync(beside, target);
  } catch (error) {
    unlinkSync(beside);
    throw error;
  }
  unlinkSync(beside);
};

/** @throws Fault when it is not as expected, or must not be done; then nothing is */
export const replaceFile = async (replacement: Replacement, allowance: Allowance): Promise<void> => {
  const { path, expected, content } = replacement;
  if ((content?.length ?? 0) > fileBytesMax)
    throw new Fault('REFUSED_FOR_SAFETY', `${path}: more than ${fileBytesMax} bytes`);
  const folder = openFolder(path, allowance);
  if (folder === undefined) {
    if (expected === undefined && content === undefined) return;
    throw new Fault('PARTLY_DONE', `${path}: there is no such folder; nothing was done`);
  }
  try {
    clearBeside(folder);
    const seen = look(path, folder);
    if (!sameBytes(seen?.bytes, expected)) changed(path);
    if (seen !== undefined) checkMine(path, seen, allowance);
    if (replacement.facts !== undefined) checkFacts(path, replacement.facts, allowance);
    if (sameBytes(content, expected) && replacement.facts === undefined) return;
    await put(replacement, seen, folder);
    fsyncSync(folder.descriptor);
  } finally {
    closeSync(folder.descriptor);
  }
};
