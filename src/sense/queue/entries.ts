/** Which files of a spool are messages, and how each is read. Names only: nothing is opened before its turn comes. */
import { constants } from 'node:fs';
import { join } from 'node:path';
import type { QueueName, ReadMessage } from '../../model/queue/message.ts';
import { headerFileBytesMax, readHeaderFile, readMessageLog } from '../../servers/exim/spool.ts';
import { hashLetter, readDeferLog, readQueueFile } from '../../servers/postfix/queue-file.ts';
import { envelopeFileBytesMax, queueOfPrefix, readEnvelopeFile } from '../../servers/sendmail/queue-file.ts';
import { entriesOf, readStart, readStartIfAny, sizeOf, withFile } from './files.ts';
import type { Spool, SpoolKind } from './spool.ts';

export type Entry = {
  readonly id: string;
  /** @returns undefined for a file that is still being written. @throws what the file system says */
  readonly read: () => ReadMessage | undefined;
};

const logBytesMax = 256 * 1024;
/** Postfix hashes by up to this many directories of one letter; Exim by one, Sendmail's groups hold qf, df and xf. */
const depthMax = 4;

function* filesBelow(directory: string, depth = 0): Generator<{ readonly directory: string; readonly name: string }> {
  const below: string[] = [];
  for (const entry of entriesOf(directory)) {
    if (entry.isFile()) yield { directory, name: entry.name };
    else if (entry.isDirectory() && depth < depthMax) below.push(entry.name);
  }
  for (const name of below) yield* filesBelow(join(directory, name), depth + 1);
}

/** In the order in which mail moves, so that what moves meanwhile is seen at least once. */
const postfixQueues: readonly QueueName[] = ['incoming', 'active', 'deferred', 'hold'];
const postfixId = /^[A-Za-z0-9]{6,30}$/;

const noReason = (): undefined => undefined;

function* postfixEntries(root: string): Generator<Entry> {
  for (const queue of postfixQueues) {
    const top = join(root, queue);
    for (const { directory, name: id } of filesBelow(top)) {
      if (!postfixId.test(id)) continue;
      const path = `${directory}/${id}`;
      const read = (): ReadMessage | undefined =>
        withFile(path, (readAt, stats) => {
          // cleanup(8) sets the bit when it is whole, and only then does qmgr(8) take it on.
          if (queue === 'incoming' && (stats().mode & constants.S_IXUSR) === 0) return undefined;
          const log =
            queue === 'deferred' || queue === 'hold'
              ? readStartIfAny(`${root}/defer${hashOf(top, directory, id)}/${id}`, logBytesMax)
              : '';
          const reasons = log === '' ? undefined : readDeferLog(log);
          return readQueueFile(
            { id, queue, path },
            readAt,
            reasons === undefined ? noReason : (each) => reasons.get(each),
          );
        });
      yield { id, read };
    }
  }
}

/** The defer log is hashed as the deferred queue is (hash_queue_names); hold is not hashed, there the id says it. */
const hashOf = (top: string, directory: string, id: string): string => {
  const hash = directory.slice(top.length);
  return hash === '' ? `/${hashLetter(id)}` : hash;
};

function* eximEntries(root: string): Generator<Entry> {
  for (const { directory, name } of filesBelow(join(root, 'input'))) {
    if (!name.endsWith('-H')) continue;
    const id = name.slice(0, -2);
    const path = `${directory}/${name}`;
    const log = `${root}/msglog${directory.slice(root.length + '/input'.length)}/${id}`;
    const read = (): ReadMessage =>
      readHeaderFile(readStart(path, headerFileBytesMax), {
        id,
        path,
        dataFileBytes: sizeOf(`${directory}/${id}-D`),
        reasons: readMessageLog(readStartIfAny(log, logBytesMax)),
      });
    yield { id, read };
  }
}

/** Envelopes and texts may lie in directories of their own, `qf` and `df`. */
const besideOf = (directory: string): string => (directory.endsWith('/qf') ? `${directory.slice(0, -2)}df` : directory);

function* sendmailEntries(root: string): Generator<Entry> {
  for (const { directory, name } of filesBelow(root)) {
    const queue = queueOfPrefix.get(name.slice(0, 2));
    const id = name.slice(2);
    if (queue === undefined) continue;
    const path = `${directory}/${name}`;
    const read = (): ReadMessage | undefined => {
      const text = readStart(path, envelopeFileBytesMax);
      // Sendmail makes the file and locks it before it writes.
      if (text === '') return undefined;
      return readEnvelopeFile(text, { id, queue, path, dataFileBytes: sizeOf(`${besideOf(directory)}/df${id}`) });
    };
    yield { id, read };
  }
}

const entriesIn: Readonly<Record<SpoolKind, (root: string) => Generator<Entry>>> = {
  postfix: postfixEntries,
  exim: eximEntries,
  sendmail: sendmailEntries,
};

export const spoolEntries = ({ kind, path }: Spool): Generator<Entry> => entriesIn[kind](path);
