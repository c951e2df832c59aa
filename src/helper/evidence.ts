/** The verbs for queue files: kept in an evidence file (`evidence-file.ts`), removed when they are kept, put back. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { Fault } from '../model/fault.ts';
import type { SpoolVerb } from '../model/spool-verb.ts';
import type { FileFacts } from '../model/verb.ts';
import type { Allowance } from './allowance.ts';
import { checkFacts } from './files/file.ts';
import { inFolder } from './files/folder.ts';
import type { Folder } from './files/folder.ts';
import { copy, isCutAt, magic, readAt, recordsOf } from './evidence-file.ts';
import type { Place } from './evidence-file.ts';
import { checkCount, withOpen } from './spool.ts';

/** Of a note that is read again. */
const noteBytesMax = 4096;

/** Where this process wrote last in an evidence file: it need not look for the end again. */
const ends = new Map<string, number>();
const endsMax = 100;

const openEvidence = (path: string, folder: Folder): number => {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const descriptor = openSync(folder.place(folder.name), flags, 0o600);
  const size = fstatSync(descriptor).size;
  if (ends.get(path) === size) return descriptor;
  // A new one, or one that a crash left at its beginning.
  const start = readAt(descriptor, 0, magic.length).toString('latin1');
  if (!magic.startsWith(start)) {
    closeSync(descriptor);
    throw new Fault('REFUSED_FOR_SAFETY', `${path} is no evidence file`);
  }
  if (start !== magic) {
    ftruncateSync(descriptor, 0);
    writeSync(descriptor, magic, 0);
    fsyncSync(folder.descriptor);
  }
  const { end } = recordsOf(descriptor);
  if (!isCutAt(descriptor, end, Math.max(size, magic.length))) {
    closeSync(descriptor);
    throw new Fault('PARTLY_DONE', `${path} is damaged at byte ${end}: nothing is written to it; look at the disk`);
  }
  ftruncateSync(descriptor, end);
  return descriptor;
};

type Keep = SpoolVerb & { readonly verb: 'keep-files' };

export const keepFiles = ({ evidence, paths, notes }: Keep, allowance: Allowance): readonly boolean[] => {
  checkCount(paths);
  const kept = inFolder(evidence, allowance, (folder) => {
    const descriptor = openEvidence(evidence, folder);
    try {
      let at = fstatSync(descriptor).size;
      const put = (data: Buffer): void => {
        // A full disk writes less than it was given, and then fails.
        for (let done = 0; done < data.length;)
          done += writeSync(descriptor, data, done, data.length - done, at + done);
        at += data.length;
      };
      const answer = paths.map(
        (path) =>
          withOpen(path, allowance, (file) => {
            put(Buffer.from(`${JSON.stringify({ path, bytes: file.sizeBytes, facts: file.facts })}\n`));
            const hash = copy(file.descriptor, 0, file.sizeBytes, put);
            put(Buffer.from(`\n${hash}\n`));
            return true;
          }) ?? false,
      );
      for (const [note, text] of notes) {
        const data = Buffer.from(text, 'utf8');
        put(Buffer.from(`${JSON.stringify({ note, bytes: data.length })}\n`));
        put(data);
        put(Buffer.from(`\n${createHash('sha256').update(data).digest('hex')}\n`));
      }
      fsyncSync(descriptor);
      if (ends.size >= endsMax) ends.clear();
      ends.set(evidence, at);
      return answer;
    } finally {
      closeSync(descriptor);
    }
  });
  if (kept === undefined) throw new Fault('CONFIG', `there is no folder for ${evidence}`);
  return kept;
};

/** The wanted files that the evidence holds, the last record of each; undefined when there is no evidence. */
const withKept = <T>(
  evidence: string,
  paths: readonly string[],
  allowance: Allowance,
  use: (descriptor: number, places: ReadonlyMap<string, Place>, notes: ReadonlyMap<string, string>) => T,
): T | undefined =>
  withOpen(evidence, allowance, ({ descriptor }) => {
    const wanted = new Set(paths);
    const places = new Map<string, Place>();
    const notes = new Map<string, string>();
    for (const place of recordsOf(descriptor).places) {
      if ('note' in place.head)
        notes.set(
          place.head.note,
          readAt(descriptor, place.from, Math.min(place.head.bytes, noteBytesMax)).toString('utf8'),
        );
      else if (wanted.has(place.head.path)) places.set(place.head.path, place);
    }
    return use(descriptor, places, notes);
  });

type Remove = SpoolVerb & { readonly verb: 'remove-kept' };

export const removeKept = ({ evidence, paths }: Remove, allowance: Allowance): readonly boolean[] => {
  checkCount(paths);
  const removed = withKept(evidence, paths, allowance, (_, places) =>
    paths.map((path) => {
      const place = places.get(path);
      const isSame = withOpen(path, allowance, (file) => {
        if (place === undefined || file.sizeBytes !== place.head.bytes) return false;
        return copy(file.descriptor, 0, file.sizeBytes, () => undefined) === place.hash;
      });
      if (isSame === true) inFolder(path, allowance, (folder) => unlinkSync(folder.place(folder.name)));
      return isSame ?? true;
    }),
  );
  return removed ?? paths.map(() => false);
};

const seconds = (ns: string): number => Number(ns) / 1e9;

/** Written beside and linked to its name, which fails when somebody else has it. */
const restore = (evidence: number, place: Place, facts: FileFacts, folder: Folder, path: string): boolean => {
  const target = folder.place(folder.name);
  const beside = folder.place(`.${folder.name}.postern`);
  // Left by a helper that was killed, perhaps as a second name of the target: Postfix leaves alone what has two.
  if (lstatSync(beside, { throwIfNoEntry: false }) !== undefined) unlinkSync(beside);
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) return false;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const descriptor = openSync(beside, flags, 0o600);
  try {
    // writeSync may write less than it is given, on a disk that is nearly full.
    const hash = copy(evidence, place.from, place.head.bytes, (data) => writeFileSync(descriptor, data));
    if (hash !== place.hash)
      throw new Fault('PARTLY_DONE', `${path}: the evidence of it is damaged, it is not put back`);
    fchownSync(descriptor, facts.uid, facts.gid);
    fchmodSync(descriptor, facts.mode); // after chown, which clears set-id bits
    futimesSync(descriptor, seconds(facts.accessedNs), seconds(facts.modifiedNs));
    fsyncSync(descriptor);
    linkSync(beside, target);
  } finally {
    closeSync(descriptor);
    unlinkSync(beside);
  }
  fsyncSync(folder.descriptor);
  return true;
};

type Restore = SpoolVerb & { readonly verb: 'restore-kept' };

export const restoreKept = (
  { evidence, paths, unlessNoted }: Restore,
  allowance: Allowance,
): { readonly count: number; readonly note: string | undefined } => {
  checkCount(paths);
  const restored = withKept(evidence, paths, allowance, (descriptor, places, notes) => {
    const note = notes.get(unlessNoted);
    let count = 0;
    for (const path of note === undefined ? paths : []) {
      const place = places.get(path);
      if (place === undefined || !('facts' in place.head)) continue;
      const { facts } = place.head;
      // Whoever can write to the evidence must not be able to make anything of a queue file.
      checkFacts(path, facts, allowance);
      const isNew = inFolder(path, allowance, (folder) => restore(descriptor, place, facts, folder, path));
      if (isNew === undefined) throw new Fault('PARTLY_DONE', `${path}: its folder is gone, it cannot be put back`);
      if (isNew) count++;
    }
    return { count, note };
  });
  return restored ?? { count: 0, note: undefined };
};
